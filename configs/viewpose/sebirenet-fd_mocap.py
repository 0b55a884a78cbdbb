# Table 3: nor L_O; features are decomposed, and nothing else.
_base_ = ['./sebirenet-fd-lo_mocap.py']
model = dict(orthogonality=0.)
