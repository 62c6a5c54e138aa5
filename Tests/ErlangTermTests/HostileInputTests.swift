import ErlangTerm
import Synchronization
import TestSupport
import Testing

/// Whatever the input, the answer is a term or an error in it, and a term has both formats.
@Suite struct HostileInputTests {
  @Test(arguments: termFixtures)
  func everyTruncationIsAFault(_ name: String) throws {
    let bytes = try termFixture(name)
    var wrong: [Int] = []
    for count in bytes.indices {
      do {
        _ = try ExternalFormat.decode(Array(bytes[..<count]))
        wrong.append(count)
      } catch .external(_, let offset) {
        if offset > count { wrong.append(count) }
      } catch {
        wrong.append(count)
      }
    }
    #expect(wrong == [])
  }

  @Test(arguments: termFixtures)
  func mutatedBytesAreATermOrAFault(_ name: String) throws {
    let bytes = try termFixture(name)
    var random = Scramble(7)
    var survivors = 0
    for _ in 0..<(bytes.count > 1000 ? 200 : 3000) {
      let mutated = random.mutate(bytes)
      do {
        let term = try ExternalFormat.decode(mutated)
        survivors += 1
        let again = try ExternalFormat.decode(ExternalFormat.encode(term))
        if again != term { Issue.record("\(mutated) reads as \(term), then as \(again)") }
      } catch TermError.external(_, let offset) {
        if !(0...mutated.count).contains(offset) { Issue.record("\(offset) in \(mutated)") }
      }
    }
    #expect(survivors > 0)
  }

  @Test func mutatedTextIsATermOrAFault() throws {
    let text = ##"{a,'B c',"t\x{41}x",<<"b",1:3>>,#{k => [1,2|$c]},-16#fF,1.5e-3,fun m:f/1}. %é"##
    let bytes = Array(text.utf8)
    var random = Scramble(11)
    var survivors = 0
    for _ in 0..<5000 {
      let mutated = random.mutate(bytes)
      do {
        let terms = try TextFormat.consult(mutated)
        survivors += 1
        let again = try terms.map { try TextFormat.parse(TextFormat.print($0)) }
        if again != terms { Issue.record("\(terms) reads back as \(again)") }
      } catch TermError.text(_, let line, let column) {
        if line < 1 || column < 1 { Issue.record("line \(line), column \(column)") }
      }
    }
    #expect(survivors > 0)
  }

  @Test func theDeepestTermsNeedLittleStack() throws {
    let depth = ExternalFormat.maximumDepth - 1
    func nested(_ open: [UInt8], _ close: [UInt8]) -> [UInt8] {
      [131] + (0..<depth).flatMap { _ in open } + [106] + (0..<depth).flatMap { _ in close }
    }
    let inputs = [
      nested([104, 1], []),  // {{…}}
      nested([116, 0, 0, 0, 1, 106], []),  // #{[] => #{…}}
      nested([116, 0, 0, 0, 1], [106]),  // #{#{…} => []}
      nested([108, 0, 0, 0, 1], [106]),  // [[…]]
      nested([108, 0, 0, 0, 1], [97, 1]),  // [[…|1]|1]
    ]
    let failures = Mutex<[String]>([])
    try onSmallStack {
      for bytes in inputs {
        do {
          let term = try ExternalFormat.decode(bytes)
          let text = try TextFormat.parse(TextFormat.print(term))
          let again = try ExternalFormat.encode(text)
          if Set([term, text]).count > 1 || again != bytes {
            failures.withLock { $0.append("\(bytes.prefix(8)): \(again)") }
          }
        } catch {
          failures.withLock { $0.append("\(bytes.prefix(8)): \(error)") }
        }
      }
    }
    #expect(failures.withLock { $0 } == [])
  }
}
