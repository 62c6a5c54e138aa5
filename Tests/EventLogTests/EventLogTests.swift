// EventLogTests
