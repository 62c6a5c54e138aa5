// The files that HAProxy reads. Source: HAProxy Configuration Manual
extension RouterConfig {
  /// Which app a host's name belongs to, a line each: `shop.localhost shop`
  public var hosts: String { backends.map { "\($0.app).localhost \($0.app)\n" }.joined() }

  /// The name of the file with `hosts`, in the folder in which HAProxy starts.
  public static let hostsFile = "hosts.map"

  /// The configuration. The descriptors 4 and 5 are the sockets for commands, and `RELTUI_BIND` names those that it
  /// listens on, which its parent holds.
  public var text: String {
    ([global, Self.defaults, Self.frontend, Self.unknown] + backends.flatMap(Self.texts))
      .joined(separator: "\n")
  }

  private var global: String {
    """
    # Written by reltui's agent at each change.
    global
        stats socket "fd@4" level admin
        stats socket "fd@5" level user
        stats timeout 10s
        hard-stop-after 1h

    """ + (user.map { "    uid \($0)\n    gid \($0)\n" } ?? "")
  }

  private static let defaults = """
    defaults
        mode http
        timeout connect 5s
        timeout client 60s
        timeout server 60s
        timeout queue 5s
        timeout tunnel 1h
        timeout http-request 15s
        # Shorter than a run that is to end is waited for: a HAProxy that leaves may still know its address.
        timeout http-keep-alive 20s
        # A run that has ended refuses connections: another one gets the request, whatever it is. A request that a run
        # has received may have had its effect, so only those without effect are sent again.
        retries 3
        option redispatch 1
        retry-on conn-failure empty-response
        balance roundrobin
        http-reuse safe
        # When another configuration takes over, a kept connection ends with its next answer and not before.
        option idle-close-on-response
        default-server pool-purge-delay 5s
        \(page(503, "No instance of this app is ready.", retryAfter: true))
        \(page(502, "The app closed the connection before it had answered.", retryAfter: false))
        \(page(504, "The app did not answer in time.", retryAfter: false))

    """

  private static func page(_ status: Int, _ words: String, retryAfter: Bool) -> String {
    #"http-error status \#(status) content-type "text/plain; charset=utf-8" string "\#(words)\n""#
      + (retryAfter ? #" hdr "Retry-After" "5""# : "")
  }

  private static let frontend = """
    frontend main
        bind "${RELTUI_BIND}"
        http-request deny deny_status 400 if { req.hdr_cnt(host) gt 1 }
        http-request disable-l7-retry unless METH_GET or METH_HEAD
        http-request set-var(txn.app) req.hdr(host),field(1,:),lower,map_str(\(hostsFile))
        http-request del-header X-Forwarded-For
        http-request set-header X-Forwarded-Proto http
        http-request set-header X-Forwarded-Host %[req.hdr(host)]
        http-request set-header X-Forwarded-Port %[dst_port]
        option forwardfor
        use_backend ws.%[var(txn.app)] if { var(txn.app) -m found } { req.hdr(upgrade) -m str -i websocket }
        use_backend app.%[var(txn.app)] if { var(txn.app) -m found }
        default_backend unknown

    """

  private static let unknown = """
    backend unknown
        http-request return status 404 content-type "text/plain; charset=utf-8" string "No app has this address.\\n"

    """

  private static func texts(of backend: Backend) -> [String] {
    [name(of: backend.app), socketName(of: backend.app)].map { name in
      "backend \(name)\n" + (backend.notice.map(answer) ?? "")
        + backend.slots.enumerated().map(server).joined()
    }
  }

  private static func answer(_ notice: String) -> String {
    #"    http-request return status 503 content-type "text/plain; charset=utf-8" string "\#(quoted(notice))\n""#
      + #" hdr "Retry-After" "60""# + "\n"
  }

  /// A text within double quotes. Source: HAProxy Configuration Manual, 2.2
  private static func quoted(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { quoted, scalar in
      switch scalar {
      case "\n": quoted += "\\n"
      case "\"", "\\", "$": quoted += "\\\(scalar)"
      default: if scalar.value >= 32, scalar.value != 127 { quoted.unicodeScalars.append(scalar) }
      }
    }
  }

  /// A slot that drains belongs to the HAProxy that has its requests; a new one does not use it.
  private static func server(_ index: Int, _ slot: Slot) -> String {
    let isOpen = slot.state == .open
    return
      "    server s\(index + 1) 127.0.0.1:\(isOpen ? slot.port ?? 1 : 1)\(isOpen ? "" : " disabled")\n"
  }
}
