// Buildpack
