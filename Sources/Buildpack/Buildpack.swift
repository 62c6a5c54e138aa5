/// Source tree → slug tree, in place: the engine behind `buildpack/bin/*`.
///
/// What each entry point must do is Heroku's: "Buildpack API", devcenter.heroku.com.

