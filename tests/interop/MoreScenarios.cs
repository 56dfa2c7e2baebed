using System.Diagnostics;
using System.Text;
using Halibut;
using Octopus.Tentacle.Contracts;
using Octopus.Tentacle.Contracts.KubernetesScriptServiceV1;

namespace OctopusPeer;

/// <summary>What is promised beyond the normal course: repetition, odd content, misuse.</summary>
static class MoreScenarios
{
    public static readonly IReadOnlyList<Scenario> Table =
    [
        new("cancel-orchestrated", true, "a script cancelled by the orchestrating client", CancelOrchestrated),
        new("start-twice", true, "two starts of one ticket at the same time run it once", StartTwice),
        new("start-after-complete", true, "a late start of a completed ticket runs nothing", StartAfterComplete),
        new("repeat-status", true, "the same cursor gives the same lines; one beyond the end is echoed", RepeatStatus),
        new("arguments", true, "arguments with spaces, quotes, dollars and nothing", Arguments),
        new("bodies", true, "CR LF, and the bash body before the general one", Bodies),
        new("encrypted-file", true, "a file with a password is stored encrypted", EncryptedFile),
        new("odd-output", true, "empty, wide, long and broken lines, and one without end", OddOutput),
        new("large-transfer", true, "20 MB each way", LargeTransfer),
        new("wrong-method", true, "methods and arguments that do not exist", WrongMethod),
    ];

    static List<string> Peer(RunRecord r) => r.Texts.Where(x => x.StartsWith("peer:")).Select(x => x[5..]).ToList();

    static async Task CancelOrchestrated(Bench b)
    {
        using var cancel = new CancellationTokenSource();
        var lines = new List<string>();
        using var client = b.Client();
        b.Calls.Clear();
        var t = Stopwatch.StartNew();
        var caught = "none";
        try
        {
            await client.ExecuteScript(b.Orchestrated("echo peer:running; sleep 300; echo peer:never"),
                s => { lines.AddRange(s.Logs.Select(l => l.Text)); if (lines.Contains("peer:running")) cancel.Cancel(); },
                _ => Task.CompletedTask, b, cancel.Token);
        }
        catch (OperationCanceledException e) { caught = e.Message; }
        b.Check("ends as cancelled", caught == "Script execution was cancelled", caught);
        b.Check("within 30 s", t.Elapsed.TotalSeconds < 30, new { ms = Ms.Of(t) });
        b.Check("the script did not go on", !lines.Contains("peer:never"));
        var calls = b.Calls.Select(c => c.RpcCall.Name).ToList();
        b.Check("CancelScript, then CompleteScript", calls.TakeLast(2).SequenceEqual(["CancelScript", "CompleteScript"]), calls);
    }

    static async Task StartTwice(Bench b)
    {
        var ticket = Bench.NewTicket();
        var command = b.Command("echo peer:ran; sleep 1", ticket);
        var again = b.Command("echo peer:ran; sleep 1", new ScriptTicket(ticket.TaskId.ToUpperInvariant()));
        var both = await Task.WhenAll(b.Scripts.StartScriptAsync(command, Bench.Call()), b.Scripts.StartScriptAsync(again, Bench.Call()));
        var r = await b.Run(command);
        b.Check("ran once", Peer(r).SequenceEqual(["ran"]) && r.Last!.ExitCode == 0, Peer(r));
        b.Check("no output in the answers to the starts", both.All(s => s.NextLogSequence == 0));
    }

    static async Task StartAfterComplete(Bench b)
    {
        var command = b.Command("echo peer:ran; exit 9");
        var first = await b.Run(command);
        var again = await b.Scripts.StartScriptAsync(command, Bench.Call());
        b.Check("Complete with the same exit code", again is { State: ProcessState.Complete, ExitCode: 9 }, new { state = again.State.ToString(), again.ExitCode });
        b.Check("the first run was whole", Peer(first).SequenceEqual(["ran"]));
        await b.Scripts.CompleteScriptAsync(new(first.Ticket), Bench.Call());
    }

    static async Task RepeatStatus(Bench b)
    {
        var r = await b.Run(b.Command("for i in 1 2 3 4 5 6; do echo peer:$i; sleep 0.1; done"), complete: false);
        var one = await b.Scripts.GetStatusAsync(new KubernetesScriptStatusRequestV1(r.Ticket, 0), Bench.Call());
        var two = await b.Scripts.GetStatusAsync(new KubernetesScriptStatusRequestV1(r.Ticket, 0), Bench.Call());
        List<string> Own(KubernetesScriptStatusResponseV1 s) => s.Logs.Select(l => l.Text).Where(x => x.StartsWith("peer:")).ToList();
        b.Check("all lines from 0, each time", Own(one).Count == 6 && Own(one).SequenceEqual(Own(two)) && one.NextLogSequence == two.NextLogSequence, new { one = Own(one), two = Own(two) });
        var end = one.NextLogSequence;
        var beyond = await b.Scripts.GetStatusAsync(new KubernetesScriptStatusRequestV1(r.Ticket, end + 100), Bench.Call());
        b.Check("a cursor beyond the end is echoed", beyond.NextLogSequence == end + 100 && Own(beyond).Count == 0, new { beyond.NextLogSequence });
        await b.Scripts.CompleteScriptAsync(new(r.Ticket), Bench.Call());
    }

    static async Task Arguments(Bench b)
    {
        string[] arguments = ["plain", "a b", "it's", "say \"hi\"", "$HOME `id` $(id)", "back\\slash", "", "*", "ünï"];
        var r = await b.Run(b.Command("echo peer:$#; for a in \"$@\"; do echo \"peer:<$a>\"; done", arguments: arguments));
        b.Check("unchanged", Peer(r).SequenceEqual(arguments.Select(a => $"<{a}>").Prepend(arguments.Length.ToString())), Peer(r));
    }

    static async Task Bodies(Bench b)
    {
        var crlf = await b.Run(b.Command("echo peer:one\r\nif true; then\r\n  echo peer:two\r\nfi\r\n"));
        b.Check("CR LF becomes LF", Peer(crlf).SequenceEqual(["one", "two"]) && crlf.Last!.ExitCode == 0, Peer(crlf));
        var bash = await b.Run(b.Command("echo peer:general", scripts: new() { [ScriptType.Bash] = "echo peer:bash", [ScriptType.PowerShell] = "echo peer:powershell" }));
        b.Check("the bash body wins", Peer(bash).SequenceEqual(["bash"]), Peer(bash));
    }

    static async Task EncryptedFile(Bench b)
    {
        // The script names the mark in two parts, so that it does not find itself.
        const string text = "{\"mark7f3a\":\"héllo\"}\n";
        var r = await b.Run(b.Command("echo \"peer:$(base64 -w0 secret.json)\"; grep -rl 'mark7''f3a' . | sed s/^/peer:found/", files:
        [
            new("secret.json", DataStream.FromString(text), "pass word"),
        ]));
        var own = Peer(r);
        var plain = own.Count > 0 ? Vault.Decrypt(Convert.FromBase64String(own[0]), "pass word") : null;
        b.Check("decrypts to the text", plain == text, plain);
        b.Check("no plain text in the workspace", own.All(x => !x.StartsWith("found")), own.Skip(1));
    }

    static async Task OddOutput(Bench b)
    {
        var r = await b.Run(b.Command("echo peer:start; echo; echo '  peer: indented '; printf 'peer:\\303\\274\\360\\237\\246\\221\\n'; printf 'peer:\\377\\376x\\n'; "
            + "printf 'peer:tab\\there\\n'; head -c 1000000 /dev/zero | tr '\\0' z | sed 's/^/peer:/'; echo; printf 'peer:a\\rb\\n'; printf peer:noend"));
        var all = r.Logs.Where(l => l.Source == ProcessOutputSource.StdOut).Select(l => l.Text).ToList();
        b.Check("an empty line", all.Contains(""));
        b.Check("blanks are kept", all.Contains("  peer: indented "));
        b.Check("UTF-8 is kept", all.Contains("peer:ü🦑"));
        b.Check("broken UTF-8 is replaced", all.Any(x => x.StartsWith("peer:\ufffd") && x.EndsWith("x")), all.Where(x => x.EndsWith('x')));
        b.Check("a tab is kept", all.Contains("peer:tab\there"));
        b.Check("a line of 1 MB", all.Any(x => x.Length == 1_000_005), all.Select(x => x.Length).Max());
        b.Check("a line without end", all.Contains("peer:noend"), all.TakeLast(3).Select(x => ServerCommand.Cut(x, 80)));
    }

    static async Task LargeTransfer(Bench b)
    {
        var data = new byte[20_000_000];
        new Random(7).NextBytes(data);
        var name = "peer/" + Guid.NewGuid().ToString("N")[..8] + ".bin";
        var t = Stopwatch.StartNew();
        var up = await b.Files.UploadFileAsync(name, DataStream.FromBytes(data), Bench.Call());
        var upMs = Ms.Of(t);
        b.Check("stored", up.Length == data.Length && up.Hash == Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(data)));
        t.Restart();
        var stream = await b.Files.DownloadFileAsync(name, Bench.Call());
        var memory = new MemoryStream();
        await stream.Receiver().ReadAsync((s, ct) => s.CopyToAsync(memory, ct), CancellationToken.None);
        b.Check("comes back", memory.ToArray().AsSpan().SequenceEqual(data));
        b.Note("times", new { up_ms = upMs, down_ms = Ms.Of(t) });
    }

    static async Task WrongMethod(Bench b)
    {
        var proxy = b.Runtime.CreateAsyncClient<Misused.IKubernetesScriptServiceV1, Misused.IAsyncClientMisused>(b.EndPoint);
        async Task Expect(string what, string type, Func<Task> call)
        {
            var seen = "none";
            try { await call(); } catch (Exception e) { seen = e.GetType().Name + ": " + ServerCommand.Cut(e.Message, 200); }
            b.Check(what, seen.StartsWith(type), seen);
        }
        await Expect("no such method", "MethodNotFoundHalibutClientException", () => proxy.NoSuchMethodAsync("x", Bench.Call()));
        await Expect("other arguments", "AmbiguousMethodMatchHalibutClientException", () => proxy.GetStatusAsync("x", 1, Bench.Call()));
    }
}
