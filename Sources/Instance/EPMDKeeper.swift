import ErlangDistribution
import Events
import HomeLayout
import Posix

/// The epmd of a home: one process on loopback, on a port that stays the same.
public struct EPMDKeeper: Sendable {
  private let home: Home

  public init(home: Home) { self.home = home }

  /// The port of the home's epmd. It is chosen on first use: `ERL_EPMD_PORT` of the first program
  /// that needs it, otherwise a free port.
  public func port(environment: [String: String]) throws(Cause) -> UInt16 {
    do throws(PosixError) {
      if let port = try recordedPort() { return port }
      let wish = environment["ERL_EPMD_PORT"].flatMap { UInt16($0) }
      let chosen = if let wish { wish } else { try Loopback.freePort() }
      _ = try Files.createIfMissing(home.epmd, with: Array(PortRecord(chosen).text.utf8))
      // Another program may have recorded a port meanwhile.
      return try recordedPort() ?? chosen
    } catch { throw Cause(error) }
  }

  private func recordedPort() throws(PosixError) -> UInt16? {
    guard let bytes = try Files.readIfThere(home.epmd, limit: 4096) else { return nil }
    return PortRecord(text: String(decoding: bytes, as: UTF8.self))?.port
  }

  /// Whether an epmd answers on the port in time.
  public func answers(_ port: UInt16, milliseconds: Int64 = 20) -> Bool {
    (try? EPMD(port: port).nodes(milliseconds: milliseconds)) != nil
  }

  /// The command that starts the home's epmd as a daemon. Without `-daemon` it would become a
  /// zombie child of a process that does not wait for it.
  /// - Parameter tree: a slug; if it has no `erts-*/bin/epmd`, the one of `PATH` is used.
  public func command(_ tree: String, port: UInt16, environment: [String: String])
    throws(Cause) -> Invocation
  {
    let runtime = ((try? Files.list(tree)) ?? []).first { $0.hasPrefix("erts-") }
    let program = runtime.map { "\(tree)/\($0)/bin/epmd" } ?? "epmd"
    let user = try AppUser.ofPortMapper(in: home)
    do throws(PosixError) { try user?.openWay(to: [tree]) } catch {
      throw Cause(error, as: .appUser)
    }
    return Invocation(
      [program, "-daemon", "-port", String(port), "-address", "127.0.0.1"], in: "/",
      environment: ["PATH": environment["PATH"] ?? Invocation.standardPath],
      as: user?.confinement(tree: tree))
  }

  /// Ends an unused epmd. A node that has just ended is still listed for a moment.
  public func stopIfUnused() {
    guard let port = try? recordedPort() else { return }
    let limit = Clock.monotonic() + 1000
    while let nodes = try? EPMD(port: port).nodes(), Clock.monotonic() < limit {
      if nodes.isEmpty {
        _ = try? EPMD(port: port).kill()
        return
      }
      Clock.pause(milliseconds: 20)
    }
  }
}
