import TestSupport
import Testing

@testable import Redaction

@Suite struct SecretLookTests {
  static let secretValues = [
    "f3Qz81LmX0pRv7Yt2Kd9", "0c9b5f7d1e0f5a66e31f", "DEADBEEF00112233AABBCCDD",
    "xoxb-2048151-4096-aB3dE5fG7hI9jK1l", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIA4XQ7B2M9ZT5W3K8D", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY9",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "550e8400-e29b-41d4-a716-446655440000", "k3x9q2w7m5z8b1v4c6n0",
    "postgres://app:hunter2@db.example.com/app", "redis://:hunter2@10.0.0.1:6379/0",
    "amqps://app:p%40ss@mq.example.com", "https://0c9b5f7d1e0f5a66e31f@o1.ingest.example.com/12",
    "https://hooks.example.com/services/T0A1B2C3D/B4E5F6G7H/aB3dE5fG7hI9jK1lM3nO5pQ7",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    #"{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"}"#,
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----",
    "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==", "q7Vr_3n-Xp0Zk_L8wT2-yB5d",
  ]

  @Test(arguments: secretValues) func aSecretValueWithAnyName(_ value: String) {
    for name in ["SITE", "SETTING", "API_KEY"] {
      #expect(SecretLook(name: name, value: value) == .value)
    }
  }

  static let plainValues = [
    "embedded", "supervisor", "infinity", "foreground", "production-eu-west-1",
    "my-shop-app-3b1f0c9d2a7e.herokuapp.com",
    "my-app-production-database-cluster", "shop.example.com", "https://shop.example.com/a/b?c=d",
    "/var/lib/app/releases/2024-01-15", "priv/static/images/logo2024.svg", "1.2.3-rc.1+20240101",
    "SomeLongCamelCaseModuleName", "Elixir.Greeter.Application", "worker_pool_supervisor_2",
    "greeter@127.0.0.1", "en_US.UTF-8", "2024-01-15T10:30:00Z", "ubuntu-22.04-x86_64",
    "k8s-prod-eu1-node12-pool3", "ip-10-0-0-12.eu-west-1.compute.internal", "12345678901234567890",
    "postgres://db.example.com:5432/app", "postgres://app@db.example.com/app",
    "arn:aws:iam::123456789012:role/my-role-name", "correct horse battery staple nine",
    "Phoenix.PubSub.PG2Adapter", "application/vnd.api+json", "mailto:someone@example.com",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEbGzVnz\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEF\n-----END PUBLIC KEY-----",
  ]

  @Test(arguments: plainValues) func aPlainValueNeedsASecretName(_ value: String) {
    for name in ["SITE", "RELEASE_MODE", "POOL_TIMEOUT", "KEYBOARD", "MONKEY", "COMPASS", "AUTHOR"]
    {
      #expect(SecretLook(name: name, value: value) == nil)
    }
    for name in ["API_KEY", "DB_PASSWORD"] {
      #expect(SecretLook(name: name, value: value) == .name)
    }
  }

  static let names: [(String, Bool)] = [
    ("SECRET_KEY_BASE", true), ("SECRET", true), ("GITHUB_TOKEN", true), ("PGPASSWORD", true),
    ("DB_PASS", true), ("MYSQL_PASSWD", true), ("API_KEY", true), ("STRIPE_APIKEY", true),
    ("SIGNING_SALT", true), ("RELEASE_COOKIE", true), ("GOOGLE_CREDENTIALS", true),
    ("PRIVATE_KEY", true), ("BASIC_AUTH", true), ("SENTRY_DSN", true), ("api-key", true),
    ("PUBLIC_KEY_SECRET", true), ("CLIENTSECRET", true), ("KEYBASE", true), ("JWT", true),
    ("STRIPE_PUBLISHABLE_KEY", false), ("VAPID_PUBLIC_KEY", false), ("TOKEN_TTL", false),
    ("AUTH_HOST", false), ("COOKIE_DOMAIN", false), ("KEY_PREFIX", false), ("TURKEY", false),
    ("BYPASS", false), ("AUTHORITY", false), ("TOKENIZER", false), ("SECRETARY", false),
    ("MODE", false), ("PHX_HOST", false), ("", false), ("_", false),
  ]

  @Test(arguments: names) func judgesNamesByTheirWords(_ name: String, _ isSecret: Bool) {
    #expect((SecretLook(name: name, value: "some plain words") == .name) == isSecret, "\(name)")
  }

  /// Random values that are public.
  @Test(arguments: [
    ("SOURCE_COMMIT", "0c9b5f7d1e0f5a66e31f0c9b5f7d1e0f5a66e31f"),
    ("GIT_REV", "0c9b5f7d1e0f5a66e31f0c9b5f7d1e0f5a66e31f"),
    ("HEROKU_APP_ID", "550e8400-e29b-41d4-a716-446655440000"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_aB3dE5fG7hI9jK1lM3nO5pQ7"),
  ])
  func whatIsMadeToBeSeen(_ name: String, _ value: String) {
    #expect(SecretLook(name: name, value: value) == nil)
    #expect(SecretLook(name: name + "_SECRET", value: value) == .value)
  }

  /// Random tokens of the usual alphabets are taken, with few exceptions.
  @Test(arguments: [
    ("0123456789abcdef", 20), ("0123456789abcdefghijklmnopqrstuvwxyz", 24),
    ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 24),
    ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_", 32),
    ("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/", 40),
  ])
  func randomTokens(_ alphabet: String, _ length: Int) {
    var generator = SystemRandomNumberGenerator()
    let letters = Array(alphabet)
    let found = (0..<2000).count { _ in
      let token = String((0..<length).map { _ in letters.randomElement(using: &generator) ?? "0" })
      return SecretLook(name: "SITE", value: token) == .value
    }
    #expect(found >= 1900, "\(found) of 2000")
  }
}
