# Table 3: nor L_f, the feature loss.
_base_ = ['./sebirenet-fd-lo-lf_mocap.py']
model = dict(feature=0.)
