import Events

// The files that HAProxy reads. Source: HAProxy Configuration Manual
extension RouterConfig {
  /// The names of the maps, in the folder in which HAProxy starts.
  private static let localMap = "local.map"
  private static let hostsMap = "hosts.map"
  private static let wildcardsMap = "wildcards.map"
  public static let tokensMap = "tokens.map"
  static let heldMap = "held.map"
  private static let certificatesList = "certs.list"

  /// Its maps and lists by the names of their files. A key is a host and a path up to a slash, so that the longest key that a
  /// request begins with is the most exact; the value is an app, the path prefix, and `+` if paths decide between apps.
  public var maps: [String: String] {
    let routes = backends.flatMap { backend in backend.domains.map { ($0, backend.app) } }
    let decisive = Set(routes.filter { !$0.0.prefix.isEmpty }.map(\.0.host))
    let lines = routes.map { domain, app in
      (domain, "\(domain)/ \(app):\(domain.prefix):\(decisive.contains(domain.host) ? "+" : "")\n")
    }
    return [
      Self.localMap: backends.map { "\($0.localHost ?? $0.app + ".localhost")/ \($0.app)::\n" }
        .joined(),
      Self.hostsMap: lines.filter { !$0.0.isWildcard && !$0.0.isDefault }.map(\.1).joined(),
      Self.wildcardsMap: lines.filter(\.0.isWildcard).map(\.1).joined(),
      Self.heldMap: backends.filter(\.hold.isHolding).map {
        Self.held($0) + "\n"
      }
      .joined(),
      Self.holdScript: Self.holdText,
      // The first one is for clients without a known name.
      Self.certificatesList: (["_.pem"] + certificates.map(\.file)).map { "certs/\($0)\n" }
        .joined(),
    ]
  }

  /// Whether the path of a request decides between apps anywhere.
  private var pathsDecide: Bool {
    backends.contains { $0.domains.contains { !$0.prefix.isEmpty } }
  }

  /// The app of every host that no other domain has.
  private var defaultApp: String? {
    backends.first { $0.domains.contains(where: \.isDefault) }?.app
  }

  /// The configuration. The descriptors 4 and 5 are the sockets for commands. The variables name those that it listens
  /// on, which its parent holds.
  public var text: String {
    ([global, Self.defaults] + doors.map(frontend) + counts + [Self.unknown]
      + backends.flatMap(texts))
      .joined(separator: "\n")
  }

  /// An entry of the map of apps whose requests wait: `shop now` or `shop wake`.
  static func held(_ backend: Backend) -> String {
    "\(backend.app) \(backend.hold == .asleep ? "wake" : "now")"
  }

  private static let holdScript = "hold.lua"

  /// Holds a request until its app is no longer in the map, which is changed at run time. A request for an app that sleeps
  /// is told to the parent of HAProxy. A HAProxy that leaves learns of no change any more, so its clients are asked to
  /// come again.
  private static let holdText = """
    -- Written by reltui's agent.
    local held = Map.new("\(heldMap)", Map._str)
    local function isLeaving()
      local stopping = core.get_info()["Stopping"]
      return stopping ~= nil and tostring(stopping) ~= "0"
    end
    core.register_action("hold", { "http-req" }, function(txn)
      local app = txn:get_var("txn.app")
      local start = core.now().sec
      local turn = 0
      while core.now().sec - start < \(holdLimit) do
        local reason = held:lookup(app)
        if not reason then return end
        if turn % 50 == 0 then
          if isLeaving() then
            txn:set_var("txn.again", "yes")
            return
          end
          if reason == "wake" then core.log(core.notice, "wake " .. app) end
        end
        turn = turn + 1
        core.msleep(20)
      end
    end)

    """

  /// Seconds for which a request waits: as long as an instance may take until it is ready, if app.json says nothing.
  public static let holdLimit = 65

  /// A request that has waited for too long, or whose client has left, gets no further.
  private static let holdRules = """
        acl is_held var(txn.app),map_str(\(heldMap)) -m found
        http-request lua.hold if is_held
        http-request return status 307 hdr Location "%[pathq,regsub(^/+,/)]" hdr Connection close if { var(txn.again) -m found }
        http-request return status 503 content-type "text/plain; charset=utf-8" string "No instance of this app is ready.\\n" hdr "Retry-After" "5" if is_held
    """

  private var holds: Bool { backends.contains { $0.hold != .never } }

  private var global: String {
    """
    # Written by reltui's agent at each change.
    global
        stats socket "fd@4" level admin
        stats socket "fd@5" level user
        stats timeout 10s
        ssl-default-bind-options ssl-min-ver TLSv1.2
        hard-stop-after 1h

    """ + (user.map { "    uid \($0)\n    gid \($0)\n" } ?? "")
      + (holds ? "    lua-load \(Self.holdScript)\n    log fd@7 len 1024 format raw local0\n" : "")
  }

  private static let defaults = """
    defaults
        mode http
        timeout connect 5s
        # Longer than a request is held.
        timeout client 75s
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
        option allbackups
        # What a client that has left does not read need not be done.
        option abortonclose
        # A run that refuses a connection gets no requests until it accepts one again.
        default-server pool-purge-delay 5s check inter 10s fastinter 1s downinter 1s fall 3 rise 1 observe layer4 error-limit 1 on-error mark-down
        \(page(503, "No instance of this app is ready.", retryAfter: true))
        \(page(502, "The app closed the connection before it had answered.", retryAfter: false))
        \(page(504, "The app did not answer in time.", retryAfter: false))

    """

  private static func page(_ status: Int, _ words: String, retryAfter: Bool) -> String {
    #"http-error status \#(status) content-type "text/plain; charset=utf-8" string "\#(words)\n""#
      + (retryAfter ? #" hdr "Retry-After" "5""# : "")
  }

  // MARK: - Where requests come in

  private enum Door: String {
    case local, http, https

    /// The sockets, and how they are spoken to.
    var binding: String {
      switch self {
      case .local: #""${RELTUI_BIND}""#
      case .http: #""${RELTUI_HTTP}""#
      case .https: #""${RELTUI_HTTPS}" ssl crt-list certs.list alpn h2,http/1.1"#
      }
    }
  }

  private var doors: [Door] {
    [.local] + (settings.http == nil ? [] : [.http]) + (settings.https == nil ? [] : [.https])
  }

  private func frontend(_ door: Door) -> String {
    """
    frontend \(door)
        bind \(door.binding)
        http-request set-var(txn.door) str(\(door))
    \(accessLog)
    \(Self.hostRules)
    \(door == .local ? "" : Self.tokenRules)
    \(Self.lookup(in: maps(of: door), fallback: defaultApp, decides: pathsDecide))
    \(trust)
    \(isLogged)
    \(holds ? Self.holdRules : "")
        use_backend ws.%[var(txn.app)] if { var(txn.app) -m found } { req.hdr(upgrade) -m str -i websocket }
        # If all fail the app's check they are better than none: the other backend has the same servers, and asks only
        # whether they hold their port.
        use_backend ws.%[var(txn.app)] if { var(txn.app) -m found } { str(app.),concat(,txn.app),nbsrv eq 0 }
        use_backend app.%[var(txn.app)] if { var(txn.app) -m found }
        default_backend unknown

    """
  }

  /// Where Prometheus reads what is counted.
  private var counts: [String] {
    if settings.metrics == nil { return [] }
    return [
      """
      frontend metrics
          bind "${RELTUI_METRICS}"
          http-request use-service prometheus-exporter if { path /metrics }
          http-request return status 404

      """
    ]
  }

  /// Names below localhost are no business of other hosts.
  private func maps(of door: Door) -> [String] {
    (door == .local ? [Self.localMap] : []) + [Self.hostsMap]
  }

  /// The host that is asked for: in lower case, without port and the dot at its end.
  private static let hostRules = """
        http-request deny deny_status 400 if { req.hdr_cnt(host) gt 1 }
        http-request set-var(txn.host) req.hdr(host),field(1,:),lower
        http-request set-var(txn.host) var(txn.host),regsub(\\.$,) if { var(txn.host) -m end . }
        # A slash would pass for a path. An address of IPv6 is no name, and no app has it.
        http-request deny deny_status 400 if { var(txn.host) -m found } !{ var(txn.host) -m reg ^[a-z0-9._-]*$ } !{ req.hdr(host) -m beg [ }
        http-request deny deny_status 400 if { req.ver 1.1 } !{ req.hdr(host) -m found }
        http-request deny deny_status 405 if METH_CONNECT
        http-request deny deny_status 400 if { req.ver 1.0 } { req.hdr(transfer-encoding) -m found }
        http-request deny deny_status 400 if !METH_OPTIONS !{ path -m beg / }
        # An app gets a path, also of a client that has sent a whole address.
        http-request set-uri %[pathq] if !METH_OPTIONS !{ url -m beg / }
    """

  /// An authority asks for a token of an order; the app's own ones go to the app. RFC 8555, 8.3
  private static let tokenRules = """
        http-request set-var(txn.token) path,field(4,/) if { path_beg /.well-known/acme-challenge/ }
        http-request set-var(txn.proof) var(txn.host),concat(/,txn.token),map_str(\(tokensMap)) if { var(txn.token) -m found }
        http-request return status 200 content-type text/plain lf-string "%[var(txn.proof)]" if { var(txn.proof) -m found }
    """

  /// Finds the app of a request by its host and path. A path that would belong to another app if it were written in
  /// another way is refused where paths decide: apps decode what they are given.
  /// - Parameter decides: whether any path does.
  private static func lookup(in maps: [String], fallback: String?, decides: Bool) -> String {
    func find(_ name: String, _ path: String) -> String {
      let tries =
        maps.map { ("host", $0) } + [("wildcard", wildcardsMap)]
      return tries.enumerated().map { index, entry in
        "    http-request set-var(txn.\(name)) var(txn.\(entry.0)),concat(,txn.\(path),/),map_beg(\(entry.1))"
          + (index == 0 ? "" : " if !{ var(txn.\(name)) -m found }")
      }.joined(separator: "\n")
        + (fallback.map {
          "\n    http-request set-var(txn.\(name)) str(\($0)::) if !{ var(txn.\(name)) -m found }"
        } ?? "")
    }
    // What cannot be decoded cannot be compared.
    let undecoded =
      decides
      ? "    http-request deny deny_status 400 if { path -m sub % } !{ path,url_dec -m found }" : ""
    return """
          http-request disable-l7-retry unless METH_GET or METH_HEAD
          http-request set-var(txn.wildcard) var(txn.host),regsub(^[^.]*,*)
          http-request set-var(txn.path) path
      \(find("route", "path"))
      \(undecoded)
          http-request set-var(txn.plain) path,url_dec,regsub(//+,/,g) if { path -m sub % // }
          acl has_other_form var(txn.plain) -m found
      \(find("other", "plain").split(separator: "\n").map { $0.contains(" if ") ? $0 + " has_other_form" : $0 + " if has_other_form" }.joined(separator: "\n"))
          http-request deny deny_status 400 if { var(txn.other) -m found } !{ var(txn.other),strcmp(txn.route) eq 0 }
          acl has_dots path,url_dec -m reg (^|/)[.][.]?(/|$)
          acl has_dots path,url_dec -m sub \\\\
          http-request deny deny_status 400 if { var(txn.route) -m end :+ } has_dots
          http-request set-var(txn.app) var(txn.route),field(1,:)
          http-request set-var(txn.prefix) var(txn.route),field(2,:)
      """
  }

  /// Each line begins with the app, for the parent of HAProxy, which puts it into the app's log. Times in milliseconds.
  private var accessLog: String {
    if !backends.contains(where: { $0.options.isOn(.log) }) { return "" }
    return """
          log fd@6 len 8192 format raw local0
          log-format "%[var(txn.app)] method=%HM path=%{+Q}HU host=%{+Q}[var(txn.host)] from=%ci port=%sp status=%ST bytes=%B connect=%Tc response=%Tr total=%Ta"
          http-request set-log-level silent
      """
  }

  private var isLogged: String {
    let apps = backends.filter { $0.options.isOn(.log) }.map(\.app).joined(separator: " ")
    return apps.isEmpty
      ? "" : "    http-request set-log-level info if { var(txn.app) -m str \(apps) }"
  }

  /// What a proxy says of its client. RFC 7239
  private static let claims =
    ["Forwarded"] + ["For", "Proto", "Host", "Port", "Prefix"].map { "X-Forwarded-\($0)" }

  /// What the app is told of the client. Only proxies that are trusted may say it themselves.
  private var trust: String {
    let trusted = settings.trusted.map(\.description).joined(separator: " ")
    let rule = trusted.isEmpty ? "always_false" : "src \(trusted)"
    return """
          acl trusted \(rule)
      \(Self.claims.map { "    http-request del-header \($0) unless trusted" }.joined(separator: "\n"))
          http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)] unless { req.hdr(x-forwarded-proto) -m found }
          http-request set-header X-Forwarded-Host %[req.hdr(host)] unless { req.hdr(x-forwarded-host) -m found }
          http-request set-header X-Forwarded-Port %[dst_port] unless { req.hdr(x-forwarded-port) -m found }
          http-request set-var(txn.proto) req.hdr(x-forwarded-proto),lower
          option forwardfor
      """
  }

  private static let unknown = """
    backend unknown
        http-request return status 404 content-type "text/plain; charset=utf-8" string "No app has this address.\\n"

    """

  // MARK: - Where they go

  private func texts(of backend: Backend) -> [String] {
    let rules = (backend.notice.map(Self.answer) ?? "") + rules(backend)
    let servers = backend.slots.enumerated().map(Self.server).joined()
    return [
      "backend \(Self.name(of: backend.app))\n" + (backend.check.map(Self.text) ?? "") + rules
        + servers,
      "backend \(Self.socketName(of: backend.app))\n" + rules + servers,
    ]
  }

  private static func text(of check: Check) -> String {
    // Values are formats, in which a percent sign is doubled.
    let headers = check.headers.map { words in
      " hdr \"\(quoted(words[0]))\" \"\(quoted(words[1].replacing("%", with: "%%")))\""
    }
    return """
          option httpchk
          http-check send meth GET uri "\(quoted(check.path))" ver HTTP/1.1\(headers.joined())
          http-check expect status \(check.least)-\(check.greatest)
          timeout check 2s

      """
  }

  private func rules(_ backend: Backend) -> String {
    let options = backend.options
    var lines: [String] = []
    if options.isOn(.https), let port = settings.https {
      let place = port == 443 ? "" : ":\(port)"
      lines.append(
        "http-request redirect location https://%[var(txn.host)]\(place)%[pathq] code 308 if { var(txn.door) -m str http } !{ var(txn.proto) -m str https }"
      )
    }
    if backend.isHidden == true { lines.append("http-response set-header X-Robots-Tag noindex") }
    if let body = options[.body] {
      lines.append(
        "http-request deny deny_status 413 if { req.hdr_val(content-length) gt \(body) }")
      lines.append("http-request deny deny_status 413 if { req.body_size gt \(body) }")
    }
    if let timeout = options[.timeout] { lines.append("timeout server \(timeout)ms") }
    if let seconds = options[.hsts] {
      lines.append(
        "http-response set-header Strict-Transport-Security max-age=\(seconds) if { var(txn.proto) -m str https }"
      )
    }
    for prefix in Set(backend.domains.map(\.prefix)).sorted() where !prefix.isEmpty {
      let rule = "if { var(txn.prefix) -m str \(prefix) }"
      lines.append("http-request set-header X-Forwarded-Prefix \(prefix) \(rule)")
      if !options.isOn(.prefix) {
        let pattern = prefix.replacing(".", with: "[.]")
        lines.append("http-request replace-path ^\(pattern)/?(.*)$ /\\1 \(rule)")
      }
    }
    return lines.map { "    \($0)\n" }.joined()
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

  /// A slot has two servers: a run that drains is a backup for those that are open.
  private static func server(_ index: Int, _ slot: Slot) -> String {
    func line(_ name: String, _ state: Slot.State, _ more: String) -> String {
      let port = slot.state == state ? slot.port : nil
      return
        "    server \(name)\(index + 1) 127.0.0.1:\(port ?? 1)\(more)\(port == nil ? " disabled" : "")\n"
    }
    return line("s", .open, "") + line("b", .draining, " backup")
  }
}
