using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Halibut;
using Octopus.Tentacle.Contracts;
using Octopus.Tentacle.Contracts.KubernetesScriptServiceV1;

namespace OctopusPeer;

/// <summary>Text of all the world, many at once, and work that must come through connections that break.</summary>
static class HardScenarios
{
    public static readonly IReadOnlyList<Scenario> Table =
    [
        new("unicode", true, "text beyond ASCII in bodies, arguments, names of files and output", Unicode),
        new("fifty", true, "50 operations at once", Fifty),
        new("lossless", false, "scripts and transfers while connections break: nothing lost, nothing twice (--parallel P --count N)", Lossless),
    ];

    // Two, three and four bytes in UTF-8, composed and combining, right to left, joined by zero width.
    static readonly string[] Texts = ["Grüße", "e\u0301 é", "日本語のテキスト", "שלום עולם", "🦑👩‍👩‍👧‍👦", "a\u00a0b\u200bc", "\U0010fffd"];

    static async Task<byte[]?> Download(Bench b, string path)
    {
        var stream = await b.Files.DownloadFileAsync(path, Bench.Call());
        return stream is null ? null : await Bytes(stream);
    }

    static async Task<byte[]> Bytes(DataStream stream)
    {
        var memory = new MemoryStream();
        await stream.Receiver().ReadAsync((s, ct) => s.CopyToAsync(memory, ct), CancellationToken.None);
        return memory.ToArray();
    }

    static async Task Unicode(Bench b)
    {
        var files = Texts.Take(5).Select((x, i) => new ScriptFile($"folder {i}/{x.Replace(" ", "_")}.txt", DataStream.FromString(x))).ToArray();
        var body = string.Concat(Texts.Select(x => $"echo 'peer:{x}'\n")) + "for a in \"$@\"; do echo \"peer:$a\"; done\n"
            + "for i in 0 1 2 3 4; do echo \"peer:$(cat \"folder $i\"/*)\"; done\n";
        var r = await b.Run(b.Command(body, arguments: Texts, files: files));
        var own = r.Texts.Where(x => x.StartsWith("peer:")).Select(x => x[5..]).ToList();
        b.Check("body, arguments and files come back", own.SequenceEqual([.. Texts, .. Texts, .. Texts.Take(5)]), own);
        foreach (var x in Texts.Take(5))
        {
            var name = $"peer/{Guid.NewGuid():N}/{x}.bin";
            var up = await b.Files.UploadFileAsync(name, DataStream.FromString(x), Bench.Call());
            var back = await Download(b, name);
            b.Check("a transferred file named " + x, up.FullPath.EndsWith(name) && back != null && back.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(x)), up.FullPath);
        }
        var ticket = new ScriptTicket("тикет-票");
        var s = await b.Scripts.GetStatusAsync(new KubernetesScriptStatusRequestV1(ticket, 0), Bench.Call());
        b.Check("a ticket beyond ASCII is echoed", s.ScriptTicket.TaskId == ticket.TaskId, s.ScriptTicket.TaskId);
    }

    static async Task Fifty(Bench b)
    {
        var t = Stopwatch.StartNew();
        var records = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => b.Run(b.Command($"echo peer:{i}; sleep 1; echo peer:end; exit {i % 9}"))));
        var right = records.Select((r, i) => r.Last!.ExitCode == i % 9 && r.Texts.Where(x => x.StartsWith("peer:")).SequenceEqual([$"peer:{i}", "peer:end"])).Count(x => x);
        b.Check("each with its own output and exit code", right == 50, new { right, ms = Ms.Of(t), connections = b.Watch.Open });
    }

    static async Task Lossless(Bench b)
    {
        int parallel = b.Options.Int("parallel", 10), count = b.Options.Int("count", 60);
        // Each script adds a line to this file: whoever runs twice is seen.
        var tally = "peer/tally-" + Guid.NewGuid().ToString("N");
        using var client = b.Client();
        b.Calls.Clear();
        var path = (await client.UploadFile("tally", tally, DataStream.FromBytes([]), b, CancellationToken.None)).FullPath;
        var t = Stopwatch.StartNew();
        var wrong = new ConcurrentQueue<object>();
        using var gate = new SemaphoreSlim(parallel);
        await Task.WhenAll(Enumerable.Range(0, count).Select(async i =>
        {
            await gate.WaitAsync();
            try { await One(i); }
            catch (Exception e) { wrong.Enqueue(new { i, type = e.GetType().Name, message = ServerCommand.Cut(e.Message) }); }
            finally { gate.Release(); }
        }));
        b.Check("every operation ended as it should", wrong.IsEmpty, wrong);
        var ran = System.Text.Encoding.UTF8.GetString(await Bytes((await client.DownloadFile(tally, b, CancellationToken.None))!)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        b.Check("every script ran once", ran.Length == count && ran.Distinct().Count() == count, new { lines = ran.Length, distinct = ran.Distinct().Count(), count });
        b.Note("work", new { ms = Ms.Of(t), calls = b.Calls.Count, repeated = b.Calls.Sum(c => c.Attempts.Count - 1) });

        async Task One(int i)
        {
            var data = new byte[30_000 + 20_000 * (i % 5)];
            new Random(i).NextBytes(data);
            var name = $"peer/lossless-{Guid.NewGuid():N}";
            var up = await client.UploadFile(name, name, DataStream.FromBytes(data), b, CancellationToken.None);
            if (up.Length != data.Length || up.Hash != Convert.ToHexStringLower(SHA1.HashData(data))) wrong.Enqueue(new { i, upload = up.Length });
            var lines = new List<string>();
            var body = $"echo {i} >> '{path}'; for n in $(seq 1 200); do echo peer:$n; done; sha256sum < data.bin | cut -c1-64 | sed s/^/peer:/; exit {i % 5}";
            var command = b.Orchestrated(body, new ScriptFile("data.bin", DataStream.FromBytes(data)));
            var result = await client.ExecuteScript(command,
                s => { lock (lines) lines.AddRange(s.Logs.Select(l => l.Text)); }, _ => Task.CompletedTask, b, CancellationToken.None);
            var own = lines.Where(x => x.StartsWith("peer:")).Select(x => x[5..]).ToList();
            var want = Enumerable.Range(1, 200).Select(n => n.ToString()).Append(Convert.ToHexStringLower(SHA256.HashData(data)));
            if (result.ExitCode != i % 5 || !own.SequenceEqual(want)) wrong.Enqueue(new { i, result.ExitCode, lines = own.Count, last = own.LastOrDefault() });
            // The client does not repeat CompleteScript; so that nothing may be left behind, this does.
            for (var attempt = 0; ; attempt++)
                try { await b.Scripts.CompleteScriptAsync(new(command.ScriptTicket), Bench.Call()); break; }
                catch (HalibutClientException) when (attempt < 10) { }
            var back = await Bytes((await client.DownloadFile(name, b, CancellationToken.None))!);
            if (!back.AsSpan().SequenceEqual(data)) wrong.Enqueue(new { i, download = back.Length });
        }
    }
}
