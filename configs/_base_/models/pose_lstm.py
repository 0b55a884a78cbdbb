# The downstream model of the paper's Sec. 4.3 in mmaction2's parts: a feature a frame (here the
# plain joints), translation, one LSTM layer with 128 units, mean over time, one linear layer.
model = dict(
    type='mmaction.RecognizerGCN',
    data_preprocessor=dict(type='ActionBatchPreprocessor'),
    backbone=dict(type='PoseSequenceEncoder', skeleton='ape17', hidden_channels=128),
    cls_head=dict(
        type='mmaction.GCNHead',
        num_classes=10,
        in_channels=128,
        label_smooth_eps=0.1,
        loss_cls=dict(type='mmaction.CrossEntropyLoss')))
