import Posix
/// Source tree → slug tree, in place: the engine behind `buildpack/bin/*`.
///
/// What each entry point must do is Heroku's: "Buildpack API", devcenter.heroku.com.
@_exported import ReleaseModel

public enum Buildpack {
  /// What `bin/detect` prints for a folder that can be built; nil where there is no `mix.exs`.
  public static func detect(_ source: String) -> String? {
    isFile(source + "/mix.exs") ? "Elixir" : nil
  }

  static func isFile(_ path: String) -> Bool { Files.exists(path) && !Files.isFolder(path) }
}
