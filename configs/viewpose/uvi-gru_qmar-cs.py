# Cross-subject, pretrained on NTU RGB+D cross-subject. The lists of VI-Net's authors could not be
# had: write here who trains and who tests.
_base_ = ['./uvi-gru_qmar-cv.py']
lists = dict(train_subjects=[], test_subjects=[])
encoder_checkpoint = 'work_dirs/uvi_ntu60-rgb-xsub/epoch_20.pth'
model = dict(backbone=dict(encoder=dict(init_cfg=dict(checkpoint=encoder_checkpoint))))
train_dataloader = dict(dataset=dict(
    source=lists, select=dict(_delete_=True, movement=[{{_base_.movement}}], xsub=[1])))
test_dataloader = dict(dataset=dict(
    source=lists, select=dict(_delete_=True, movement=[{{_base_.movement}}], xsub=[0])))
