import Glibc
import Posix

/// What a uid has left on the host outside of the home: processes, files where every user may write, shared memory.
public struct UserTraces {
  let user: UInt32
  /// Folders in which every user may write, on usual hosts. hier(7), shm_overview(7), mq_overview(7)
  private let places: [String]
  /// A folder whose files are not looked at.
  private let spared: String

  public init(
    of user: UInt32, sparing spared: String = "/nonexistent",
    in places: [String] = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock"]
  ) {
    (self.user, self.places, self.spared) = (user, places, spared)
  }

  /// Ends the processes and removes the rest.
  /// - Returns: how many there were.
  public func remove() throws(PosixError) -> Int {
    try endProcesses() + removeFiles() + removeSharedMemory()
  }

  /// Those that run. A zombie does not.
  public var processes: [ProcessTable.Stat] {
    ProcessTable.all().filter { $0.state != "Z" && ProcessTable.user(of: $0.pid) == user }
  }

  /// Kills until none is left: one may start others meanwhile.
  public func endProcesses() throws(PosixError) -> Int {
    var seen: Set<ProcessIdentity> = []
    for _ in 0..<500 {
      let left = processes
      if left.isEmpty { return seen.count }
      for process in left {
        seen.insert(process.identity)
        process.identity.signal(.kill)
      }
      usleep(10_000)
    }
    throw PosixError("end", "processes of the uid \(user)", Errno(rawValue: EBUSY))
  }

  /// A path as a pattern that it alone matches. fnmatch(3)
  private static func pattern(_ path: String) -> String {
    path.reduce(into: "") { $0 += "*?[]\\".contains($1) ? "\\\($1)" : String($1) }
  }

  /// Its exit code tells nothing: files of other programs come and go meanwhile. What counts is what a second look finds.
  private func removeFiles() throws(PosixError) -> Int {
    let found = places.filter { Files.isFolder($0) }
    if found.isEmpty { return 0 }
    let count = try find(in: found, ["-depth"], ["-printf", ".", "-delete"]).count
    // What is left are folders with files of others in them, which go with the folder.
    for path in try find(in: found, [], ["-prune", "-print0"]).split(separator: 0) {
      try Files.remove(String(decoding: path, as: UTF8.self))
    }
    if try find(in: found, [], ["-printf", "."]).isEmpty { return count }
    throw PosixError("remove", "files of the uid \(user)", Errno(rawValue: EBUSY))
  }

  /// find(1), which follows no links and takes any name
  private func find(in places: [String], _ order: [String], _ actions: [String])
    throws(PosixError) -> [UInt8]
  {
    let words =
      ["find"] + places + ["-xdev", "-ignore_readdir_race"] + order
      + ["-uid", String(user), "!", "-path", Self.pattern(spared)]
      + ["!", "-path", Self.pattern(spared) + "/*"] + actions
    let find = Invocation(
      words, in: "/", environment: ["PATH": Invocation.standardPath, "LC_ALL": "C"])
    return try find.run(errors: .null, limit: 60_000).output
  }

  /// Segments, semaphores and queues of System V. proc(5), `/proc/sysvipc`
  private func removeSharedMemory() -> Int {
    var count = 0
    for (file, column, option) in [("shm", 7, "-m"), ("sem", 4, "-s"), ("msg", 7, "-q")] {
      let bytes = (try? Files.read("/proc/sysvipc/" + file, limit: 1 << 22)) ?? []
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
        let fields = line.split(separator: " ")
        guard fields.count > column, UInt32(fields[column]) == user else { continue }
        let removal = Invocation(
          ["ipcrm", option, String(fields[1])], environment: ["PATH": Invocation.standardPath])
        if (try? removal.run(limit: 5000))?.isSuccess == true { count += 1 }
      }
    }
    return count
  }
}
