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
    | `time` | UTC; never before that of the previous line |
    | `source` | host and program that wrote the event |
    | `type` | one of the types below |
    | `subject` | the app that the event concerns, if any |
    | `data` | the fields below |
    | `crc32c` | CRC-32C of all bytes before `,"crc32c"` |

    A line counts if it ends in a newline and its checksum is right. It must be JSON (RFC 8259); if a
    name occurs twice in an object, the first one counts. Read the log with `relctl events --json`.

    ## Types

    Types are only added. A reader shows the name of a type that it does not know. All types in this
    table are reserved, even those that this version does not write. An event may have more fields than
    the required ones.

    | type | required fields |
    |---|---|

    """

  private static let middle = """

    An event whose type ends in `.requested` is a request. Exactly one `request.finished`,
    `request.failed` or `request.rejected` ends it; the field `request` of the outcome is the request's
    `id`. `request.refused` is no outcome: a command refused an operation before it became a request.

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
      in events of all programs; see [deploy](../guide/deploy.md). They are also masked in a `subject`
      that is not the name of an app. The other fields are numbers, times, and names and ids of reltui,
      and are not changed.

      """
  }
}
