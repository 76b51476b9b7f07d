import CLinux
import Glibc

extension Files {
    /// Whether a person may be looking.
    package static func isTerminal(_ fd: Int32) -> Bool { isatty(fd) == 1 }

    /// Nil when the descriptor is no terminal.
    package static func terminalSize(_ fd: Int32) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(fd, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
