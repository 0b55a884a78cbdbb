# Five cameras about a person: 2 in front and 3 at the left, which train; 1 at the right, which is
# only tested; 5 between 2 and 3, as camera 1 of NTU RGB+D stands; and 4, between 1 and 2, for
# choosing settings.
film = dict(image_size=48, azimuths=[-90., 0., 90., -45., 45.], jitter=10., facing='start')
