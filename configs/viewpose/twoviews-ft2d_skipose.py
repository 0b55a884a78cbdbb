# SkiPose: six cameras that pan, tilt and zoom, so one alignment a frame (Sec. 4.3, Table 2). Their
# zoom is not given to the lifter, so that N-MPJPE and PA-MPJPE are the ones to read.
_base_ = ['./twoviews-ft2d_sportspose.py']
model = dict(consistency=dict(per_frame=True))
train_dataloader = dict(
    batch_sampler=dict(views=None),
    dataset=dict(num_frames=27, stride=9, sources=[
        dict(ann_file='skipose.npz', select=dict(split=['train']), use_3d=False)]))
# SkiPose has no validation part; nothing is chosen by it
test = dict(
    dataset=dict(num_frames=27, sources=[
        dict(ann_file='skipose.npz', select=dict(split=['test']))]))
val_dataloader = test
test_dataloader = test
val_evaluator = dict(group_by=None)
test_evaluator = dict(group_by=None)
