"""The errors that a user can mend: data that cannot be used, and all else."""
from pathlib import Path
from typing import Optional, Union


class DatasetError(ValueError):
    """Data that is missing, broken or not what a reader expects.

    The message names what is known of the place, so that a user can go there:
    ``FILE: sequence S: frame F: PROBLEM``.

    Args:
        problem: What is wrong and, where it is known, what to do about it.
        file: File or folder concerned.
        sequence: Name of the sequence (clip, take) inside it.
        frame: Zero-based frame number inside the sequence.
    """

    def __init__(self, problem: str, file: Optional[Union[str, Path]] = None,
                 sequence: Optional[str] = None, frame: Optional[int] = None) -> None:
        place = []
        if file is not None:
            place.append(str(file))
        if sequence is not None:
            place.append(f'sequence {sequence}')
        if frame is not None:
            place.append(f'frame {frame}')
        super().__init__(': '.join([*place, problem]))
        self.problem, self.file, self.sequence, self.frame = problem, file, sequence, frame


class UserError(RuntimeError):
    """Something else that a user can mend; its text is one line that says how."""
