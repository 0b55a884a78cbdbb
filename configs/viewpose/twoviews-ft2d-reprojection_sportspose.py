# The same data without the loss (Eq. 7; Sec. 4.6).
_base_ = ['./twoviews-ft2d_sportspose.py']
model = dict(consistency=None)
