import Testing
import Timing

@testable import Transport

struct DateFieldTests {
    @Test func `the clock is read once for each second in which it is asked`() {
        var readCount = 0
        var time = Timestamp(rfc3339: "2026-01-02T03:04:05.600Z")!
        var field = DateField {
            readCount += 1
            return time
        }
        let start = Instant.zero + .seconds(10)
        #expect(field.value(at: start) == "Fri, 02 Jan 2026 03:04:05 GMT")
        #expect(field.value(at: start + .milliseconds(399)) == "Fri, 02 Jan 2026 03:04:05 GMT")
        #expect(readCount == 1)
        time = time + .milliseconds(400)
        #expect(field.value(at: start + .milliseconds(400)) == "Fri, 02 Jan 2026 03:04:06 GMT")
        #expect(readCount == 2)
    }
}
