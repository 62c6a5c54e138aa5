import Buildpack
import TestSupport
import Testing

struct ConfigVarsReferenceTests {
  @Test func pageSaysWhatTheTableSays() throws {
    let rows = BuildSettings.table.map {
      ReferencePage.row(["`\($0.name)`", $0.values, $0.meaning])
    }
    try ReferencePage.check("build-config-vars", Self.head + rows.joined())
  }

  private static let head = """
    # Config vars of a build

    <!-- Made by the tests from the code: make docs -->

    A build reads these settings from the app's config vars, which a platform gives it in ENV_DIR. Those
    that begin with `RELPACK_` may also be in the environment of `compile`; a config var of the app goes
    first. A value that is not allowed fails the build with `RT-BUILD-CONFIG`. All other config vars are in
    the environment of the build's tools, except `PATH`, `GIT_DIR`, `CPATH`, `CPPATH`, `LD_PRELOAD` and
    `LIBRARY_PATH`, and values that no environment can hold.

    | config var | values | meaning |
    |---|---|---|

    """
}
