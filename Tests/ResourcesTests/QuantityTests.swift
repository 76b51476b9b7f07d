import Formats
import Testing

@testable import Resources

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("1", "1"), ("100m", "100m"), ("0.1", "100m"), ("1000m", "1"), ("1.5", "1500m"), ("2000", "2k"), ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("1024Ki", "1Mi"), ("1.5Gi", "1536Mi"), ("64Mi", "64Mi"), ("1e3", "1e3"), ("9E", "9E"), ("12E", "9223372036854775807"),
        ("-1", "-1"), ("+5", "5"), (".5", "500m"),
        ("5.", "5"), ("1n", "1n"), ("0.1n", "1n"), ("1000Ki", "1000Ki"), ("0.5Ki", "512"), ("123456789", "123456789"),
    ]) func `a quantity prints in its canonical form`(text: String, canonical: String) {
        #expect(Quantity(text)?.description == canonical)
    }

    @Test(arguments: ["", "m", "1x", "1 Mi", "1mi", "--1", "1e", "0x10", "1.2.3", "Mi"]) func `what is no quantity is refused`(text: String)
    {
        #expect(Quantity(text) == nil)
    }

    @Test func `quantities compare and add by amount, not by writing`() {
        #expect(Quantity("1024Mi") == Quantity("1Gi"))
        #expect(Quantity("1G")! < Quantity("1Gi")!)
        #expect((Quantity("500m")! + Quantity("1.5")!).description == "2")
        #expect(Quantity("1500m")!.unitsRoundedUp == 2)
        #expect(Quantity("0.0001")!.milliRoundedUp == 1)
    }

    @Test(arguments: [
        ("25%", 10, 3, 2), ("0%", 10, 0, 0), ("100%", 3, 3, 3), ("1%", 1, 1, 0), ("150%", 2, 3, 3),
    ]) func `a percentage is rounded as asked`(text: String, total: Int, up: Int, down: Int) {
        let share = IntOrPercent(.string(text))
        #expect(share?.resolved(of: total, rounding: .up) == up)
        #expect(share?.resolved(of: total, rounding: .down) == down)
    }

    @Test func `huge shares are clamped and overflow nothing`() {
        let share = IntOrPercent(.string("9223372036854775807%"))
        #expect(share == .percent(Int(Int32.max)))
        #expect((share?.resolved(of: Int(Int32.max), rounding: .up) ?? 0) > 0)
        #expect(IntOrPercent(.int(.max)) == .count(Int(Int32.max)))
    }

    @Test func `a number in quotes and a negative percentage are no IntOrPercent`() {
        #expect(IntOrPercent("2") == nil)
        #expect(IntOrPercent("-5%") == nil)
        #expect(IntOrPercent(2) == .count(2))
    }
}
