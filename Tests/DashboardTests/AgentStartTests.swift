import Events
import Testing

@testable import reltui

/// Why `relctl agent start` failed is shown as it said it.
struct AgentStartTests {
  @Test(arguments: [
    (
      """
      relctl: the agent's unit reltui-agent.service was stopped [RT-AGENT-STOPPED]
        Start it: systemctl start reltui-agent.service

      """,
      Cause(
        .agentStopped, "the agent's unit reltui-agent.service was stopped",
        remedy: "Start it: systemctl start reltui-agent.service")
    ),
    ("relctl: it broke [RT-NEW]\n", Cause(.agentAbsent, "relctl: it broke [RT-NEW]")),
    ("Segmentation fault", Cause(.agentAbsent, "Segmentation fault")),
    ("", Cause(.agentAbsent, "the agent does not start")),
  ])
  func failedStart(printed: String, cause: Cause) { #expect(AgentStart.cause(printed) == cause) }
}
