import ErlangTerm
import Glibc
import Testing

struct TestFailure: Error {
  var reason: String
}

func fixturePath(_ name: String) -> String {
  let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
  return parts.dropLast(2).joined(separator: "/") + "/Fixtures/" + name
}

func readFile(_ path: String) throws -> [UInt8] {
  guard let file = fopen(path, "r") else { throw TestFailure(reason: "can't read \(path)") }
  defer { fclose(file) }
  return readAll(file)
}

private func readAll(_ file: UnsafeMutablePointer<FILE>) -> [UInt8] {
  var content: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
    content += buffer[..<count]
  }
  return content
}

private func writeFile(_ path: String, _ text: String) throws {
  guard let file = fopen(path, "w") else { throw TestFailure(reason: "can't write \(path)") }
  defer { fclose(file) }
  fputs(text, file)
}

/// Lets Erlang read term texts by `file:consult/1` and gives what `term_to_binary/2` makes of
/// each. Fails where there is no Erlang.
func encodedByErlang(_ texts: [String]) throws -> [[UInt8]] {
  var template = Array("/tmp/erlang-term-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw TestFailure(reason: "no temporary folder") }
  let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  defer {
    for name in ["terms", "encode.escript"] { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }
  try writeFile("\(folder)/terms", texts.map { $0 + "\n.\n" }.joined())
  try writeFile(
    "\(folder)/encode.escript",
    """
    #!/usr/bin/env escript
    main([File]) ->
      {ok, Terms} = file:consult(File),
      [io:format("~s~n", [binary:encode_hex(term_to_binary(T, [{minor_version, 2}]))])
       || T <- Terms].

    """)
  guard let pipe = popen("escript \(folder)/encode.escript \(folder)/terms 2>&1", "r") else {
    throw TestFailure(reason: "can't run escript")
  }
  let output = String(decoding: readAll(pipe), as: UTF8.self)
  guard pclose(pipe) == 0 else { throw TestFailure(reason: "escript: \(output)") }
  let lines = output.split(separator: "\n").map { line in
    let digits = line.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) ?? 0 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
  guard lines.count == texts.count else { throw TestFailure(reason: "escript: \(output)") }
  return lines
}

private final class Job: @unchecked Sendable {
  let run: () -> Void

  init(run: @escaping () -> Void) {
    self.run = run
  }
}

/// Runs `body` on a thread with a stack of 512 KiB and waits for its end. If it needs more, the
/// test process dies.
func onSmallStack(_ body: @escaping @Sendable () -> Void) throws {
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setstacksize(&attributes, 512 * 1024)
  var thread = pthread_t()
  let context = Unmanaged.passRetained(Job(run: body)).toOpaque()
  let code = pthread_create(
    &thread, &attributes,
    { context in
      guard let context else { return nil }
      Unmanaged<Job>.fromOpaque(context).takeRetainedValue().run()
      return nil
    }, context)
  guard code == 0 else { throw TestFailure(reason: "no thread: \(code)") }
  pthread_join(thread, nil)
}
