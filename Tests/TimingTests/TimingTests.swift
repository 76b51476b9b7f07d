import Testing

@testable import Timing

@Suite struct `A timestamp` {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56Z", 951_827_696), ("2026-11-21T07:30:00Z", 1_795_246_200),
            ("1969-12-31T23:59:59Z", -1),
        ] as [(String, Int64)])
    func `is written and read as RFC 3339`(text: String, seconds: Int64) {
        #expect(Timestamp(secondsSince1970: seconds).rfc3339 == text)
        #expect(Timestamp(rfc3339: text)?.secondsSince1970 == seconds)
    }

    @Test(arguments: ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"]) func `is none where nanoseconds do not fit`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `keeps six digits as MicroTime`() {
        #expect(Timestamp(nanosecondsSince1970: 1_500).rfc3339Micro == "1970-01-01T00:00:00.000001Z")
    }

    @Test func `reads offsets and fractions`() {
        #expect(Timestamp(rfc3339: "1970-01-01T01:00:00.5+01:00")?.nanosecondsSince1970 == 500_000_000)
    }

    @Test(arguments: ["", "1970-01-01", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00", "1970-01-01T00:00:00Zx"])
    func `refuses what is not a time`(text: String) { #expect(Timestamp(rfc3339: text) == nil) }
}

@Suite struct `An instant` {
    @Test func `saturates instead of wrapping`() { #expect(Instant.never + .seconds(1) == .never) }
}

struct `A date of HTTP` {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"), ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("2000-02-29T23:59:59.999Z", "Tue, 29 Feb 2000 23:59:59 GMT"), ("2026-12-31T12:00:00Z", "Thu, 31 Dec 2026 12:00:00 GMT"),
        ("1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func `names the day of the week and the moment`(moment: String, date: String) { #expect(Timestamp(rfc3339: moment)?.httpDate == date) }
}
