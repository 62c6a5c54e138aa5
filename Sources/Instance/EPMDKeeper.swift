import DiskReserve
import ErlangDistribution
import Events
import HomeLayout
import Posix

/// The one epmd of a home: on loopback, outside every instance, on a port of its own that stays the same.
public struct EPMDKeeper: Sendable {
  private let home: Home

  public init(home: Home) { self.home = home }

  /// The port, chosen at first need: `ERL_EPMD_PORT` of whoever needs it first, else a free one.
  public func port(environment: [String: String]) throws(Cause) -> UInt16 {
    do throws(PosixError) {
      if let port = try recordedPort() { return port }
      let wish = environment["ERL_EPMD_PORT"].flatMap { UInt16($0) }
      let chosen = if let wish { wish } else { try Loopback.freePort() }
      let text = "format \(HomeFormat.current)\nport \(chosen)\n"
      _ = try Files.createIfMissing(home.epmd, with: Array(text.utf8))
      // Somebody else may have been first.
      return try recordedPort() ?? chosen
    } catch { throw Cause(error) }
  }

  private func recordedPort() throws(PosixError) -> UInt16? {
    guard let bytes = try Files.readIfThere(home.epmd, limit: 4096) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return lines.first { $0.hasPrefix("port ") }.flatMap { UInt16($0.dropFirst(5)) }
  }

  /// Sees that an epmd answers, starting the one of an OTP release where none does.
  /// - Parameter tree: a slug with an `erts-*/bin/epmd`; without one, `epmd` from `PATH` is taken.
  public func ensure(tree: String, environment: [String: String]) throws(Cause) -> UInt16 {
    let port = try port(environment: environment)
    if answers(port) { return port }
    let runtime = ((try? Files.list(tree)) ?? []).first { $0.hasPrefix("erts-") }
    let program = runtime.map { "\(tree)/\($0)/bin/epmd" } ?? "epmd"
    let invocation = Invocation(
      [program, "-daemon", "-port", String(port), "-address", "127.0.0.1"], in: "/",
      environment: ["PATH": environment["PATH"] ?? "/usr/bin:/bin"])
    do throws(PosixError) {
      // With `-daemon` it leaves us at once: a child of ours would stay behind as a zombie when it ends.
      _ = try Child.start(invocation, output: .null, errors: .null, newSession: true).wait()
      let limit = Clock.monotonic() + 3000
      while Clock.monotonic() < limit {
        if answers(port) { return port }
        Clock.pause(milliseconds: 10)
      }
    } catch {
      throw Cause(.epmd, "\(error)", remedy: "Install epmd, or deploy a release with its own ERTS.")
    }
    throw Cause(
      .epmd, "the home's epmd does not answer on 127.0.0.1:\(port)",
      remedy: "See what holds the port: ss -ltnp 'sport = :\(port)'",
      facts: ["port": String(port)])
  }

  /// Ends it if no node needs it any more. A node that has just ended is on its list for a moment longer.
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

  private func answers(_ port: UInt16) -> Bool { (try? EPMD(port: port).nodes()) != nil }
}
