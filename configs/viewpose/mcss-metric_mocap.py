_base_ = ['./mcss_mocap.py']  # Fig. 5, cnstr: no label
model = dict(pose_head=None)
