// relshim
