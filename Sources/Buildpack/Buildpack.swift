/// Builds a slug tree from a source tree, in place: the engine of `buildpack/bin/*`. `HomeBuild` does it for a home.
///
/// The contract of each entry point: Heroku, "Buildpack API", devcenter.heroku.com.

