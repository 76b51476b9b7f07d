import Commands
import Glibc

// Whoever started this may ignore it (services of systemd do): `steady logs -f | head` would follow on for nobody. What runs on sets it anew.
signal(SIGPIPE, SIG_DFL)
exit(
    Program.run(
        Array(CommandLine.arguments.dropFirst()),
        verbs: [UpVerb.verb] + RoleVerbs.all + Verb.all + SnapshotVerbs.all + [UpgradeVerb.verb, FormatsVerb.verb]))
