_base_ = ['./mcss_h36m-s1.py']  # Table 2
model = dict(backbone=dict(
    depth=34, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet34')))
