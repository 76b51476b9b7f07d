import Testing

@testable import Timing

@Suite struct `A length of time` {
    private static let day: Duration = .seconds(86_400)

    @Test(arguments: [
        (Duration.seconds(45), "45 s"), (.seconds(600), "10 min"), (.seconds(3600), "1 h"), (.seconds(5400), "1.5 h"), (day * 90, "90 d"),
        (day * 365, "1 y"), (day * 400, "400 d"), (day * 730, "2 y"), (.milliseconds(1200), "1.2 s"),
    ])
    func `is written as people write it`(length: Duration, text: String) {
        #expect(DurationText.long(length) == text)
    }

    @Test(arguments: [
        (Duration.zero, "0 ms"), (.milliseconds(999), "999 ms"), (.milliseconds(1000), "1.0 s"), (.milliseconds(1249), "1.2 s"),
        (.milliseconds(1250), "1.3 s"), (.milliseconds(10_499), "10 s"), (.seconds(95), "95 s"),
    ])
    func `is short where space is`(length: Duration, text: String) {
        #expect(DurationText.short(length) == text)
    }

    @Test(arguments: [(Int64(0), 1, "0.0"), (5, 3, "0.005"), (1234, 3, "1.234"), (-7, 1, "-0.7")])
    func `shows its last digits behind a point`(number: Int64, places: Int, text: String) {
        #expect(DurationText.decimal(number, places: places) == text)
    }
}
