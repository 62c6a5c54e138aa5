// relctl
