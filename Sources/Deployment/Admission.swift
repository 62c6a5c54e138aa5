import ConfigStore
import Events
import HomeLayout
import Operations
import ReleaseModel

/// The check whether a request can be carried out, made once before anything changes.
struct Admission {
  let home: Home
  let board: Board
  let operations: OperationTable

  /// - Throws: the reason for a refusal.
  func check(
    _ request: Board.Request, now: Timestamp, manifest: (String) throws(Cause) -> Manifest
  ) throws(Cause) {
    guard let operation = operations.operation(request) else {
      throw AppReconciler.unknown(request)
    }
    if type(of: operation).isGivenUp, let deadline = request.data.deadline, deadline < now {
      throw Cause(
        .requestExpired, "the request came to its deadline before an agent took it",
        remedy: "Try again.")
    }
    try check(operation, manifest: manifest)
  }

  /// - Throws: the reason why the operation is not possible now.
  func check(
    _ operation: any Operation, manifest: (String) throws(Cause) -> Manifest
  ) throws(Cause) {
    do throws(Refusal) { try operation.check(on: board) } catch { throw error.cause }
    let needs = operation.needs(on: board)
    let config = try needs.config.map { digest throws(Cause) in
      try ConfigSets(home: home, app: operation.app).load(digest).values
    }
    guard let slug = needs.slug else { return }
    let found = try manifest(slug)
    do throws(Refusal) {
      try found.target.check(against: .host)
      try operation.check(found, config: config ?? [:])
    } catch { throw error.cause }
  }
}

extension Manifest.Target {
  /// Checks that a build for this target runs on the host.
  func check(against host: Manifest.Target) throws(Refusal) {
    if (os, arch) != (host.os, host.arch) {
      throw .target("\(os) on \(arch)", host: "\(host.os) on \(host.arch)")
    }
  }
}
