from .backbones import *  # noqa: F401,F403
from .data_preprocessor import ActionBatchPreprocessor  # noqa: F401
from .estimators import *  # noqa: F401,F403
from .heads import *  # noqa: F401,F403
from .losses import *  # noqa: F401,F403
from .multiview_data_preprocessor import MultiviewPoseDataPreprocessor  # noqa: F401
