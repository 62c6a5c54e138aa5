import Posix

/// `relshim --remove FOLDER…` removes the folders of ended runs.
enum EndedRuns {
  /// - Returns: the exit code.
  static func remove(_ folders: some Sequence<String>) -> Int32 {
    var code: Int32 = 0
    for folder in folders {
      do throws(PosixError) { try Files.remove(folder) } catch {
        code = 69
        // The app chose the names in the folder, and they could hold anything, so they are not printed.
        Program.complain(
          "cannot remove '\(folder)', which an ended run has left: \(error.errno); remove it by hand"
        )
      }
    }
    return code
  }
}

extension Program {
  static func complain(_ sentence: String) {
    try? File(owning: Descriptor.copy(of: 2), name: "standard error").write(
      "relshim: \(sentence)\n")
  }
}
