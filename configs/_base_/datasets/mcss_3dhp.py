# MPI-INF-3DHP in mmpose's layout (docs/data_preparation.md), Sec. 4.1: subjects 1 to 6 train, of
# whom 1 is labelled, and 7 and 8 of the same recordings are the test, since the data set's own test
# is of one camera. The five cameras at chest height. The paper says nothing of the frames; they
# are taken as often as in Human3.6M.
_base_ = ['./mcss_h36m.py']
recordings = dict(
    source='mpi_inf_3dhp', data_root='data/mpi_inf_3dhp/', ann_file='mpi_inf_3dhp_train.npz',
    camera_param_file='cameras_train.pkl', views=[0, 2, 4, 7, 8])
train_dataloader = dict(dataset=dict(subjects=[1, 2, 3, 4, 5, 6], **recordings))
val_dataloader = dict(dataset=dict(subjects=[7, 8], **recordings))
test_dataloader = val_dataloader
