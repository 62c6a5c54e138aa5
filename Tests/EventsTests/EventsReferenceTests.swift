import Events
import JSONText
import TestSupport
import Testing

struct EventsReferenceTests {
  @Test func pageMatchesEventType() throws {
    let types = EventType.allCases.map { type in
      let fields = type.required.map { "`\($0.rawValue)`" }
      return ReferencePage.row(["`\(type.rawValue)`", fields.joined(separator: " ")])
    }
    let fields = EventData.Field.allCases.map { field in
      ReferencePage.row(["`\(field.rawValue)`", field.meaning])
    }
    try ReferencePage.check(
      "events",
      Self.head + types.joined() + Self.middle + fields.joined() + Self.tail + Self.masked)
  }

  private static let head = """
    # Events

    <!-- Made by the tests from the code: make docs -->

    The log is in `events/` of the home. A line is a CloudEvents 1.0 object:

    ```
    {"seq":"0000000000000042","specversion":"1.0","id":"…","time":"2026-11-21T07:05:09.042Z","source":"HOST/PROGRAM","type":"instance.ready","subject":"APP","data":{…},"crc32c":"8a2f01cc"}
    ```

    | part | means |
    |---|---|
    | `seq` | its number in this log; numbers grow by one |
    | `id` | 128 random bits; what `data.request` names |
    | `time` | UTC; never less than that of the line before |
    | `source` | host and program that wrote it |
    | `type` | one of the types below |
    | `subject` | the app, where it is about one |
    | `data` | the fields below |
    | `crc32c` | CRC-32C of all bytes before `,"crc32c"` |

    A line counts if it ends in a newline and its checksum is right. It must be JSON as RFC 8259 has
    it; where a name stands twice in an object the first counts. Read the log with
    `relctl events --json`.

    ## Types

    Types only grow. A reader shows a type it does not know as it is. A type in this table is
    reserved; it does not mean that this version writes it. An event may have more fields than it
    must have.

    | type | fields it must have |
    |---|---|

    """

  private static let middle = """

    A type that ends in `.requested` asks for something. Exactly one `request.finished`,
    `request.failed` or `request.rejected` ends it; its `request` field is the `id` of that event.

    ## Fields of `data`

    | field | means |
    |---|---|

    """

  private static let tail = """

    `cause` is an object: `id` (see [errors](errors.md)), `sentence`, `remedy`, `facts` (text by
    name) and `evidence`, a list of `kind`, `where` and `text`.

    """

  private static var masked: String {
    let fields = EventData.Field.allCases.filter(\.isFreeText).map { "`\($0.rawValue)`" }
    return """

      In free text – \(fields.joined(separator: " ")) – values of config vars are masked as `«NAME»`,
      whoever writes the event; see [deploy](../guide/deploy.md). So they are in a `subject` that is no
      app's name. The other fields are numbers, moments, and names and ids of ours, and stay as they are.

      """
  }
}
