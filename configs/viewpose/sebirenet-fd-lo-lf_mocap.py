# Table 3: nor L(R * p), the reconstruction of the rotated pose.
_base_ = ['./sebirenet-fd-lo-lf-rot_mocap.py']
model = dict(reconstruction=(1., 0.))
