// A host on Mono: takes external events on the library's thread while its collector stops all threads, again and again.
// Usage: host.exe LIBRARY EVENTS
using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;

static class Native {
    [DllImport("libdl.so.2")] public static extern IntPtr dlopen(string path, int flags);
    [DllImport("libdl.so.2")] public static extern IntPtr dlsym(IntPtr library, string name);
    [DllImport("libc.so.6")] public static extern IntPtr malloc(UIntPtr size);
    [DllImport("libc.so.6")] public static extern void free(IntPtr memory);

    // The methods of the interfaces, as Linux's C++ calls them: the object first.
    public delegate int Make([MarshalAs(UnmanagedType.LPWStr)] string name, out IntPtr made);
    public delegate int Destroy(ref IntPtr made);
    [return: MarshalAs(UnmanagedType.I1)] public delegate bool Give(IntPtr self, IntPtr what);
    public delegate IntPtr Find(IntPtr self, [MarshalAs(UnmanagedType.LPWStr)] string name);
    [return: MarshalAs(UnmanagedType.I1)] public delegate bool Property(IntPtr self, IntPtr number, IntPtr value);
    [return: MarshalAs(UnmanagedType.I1)]
    public delegate bool Function(IntPtr self, IntPtr number, IntPtr result, IntPtr parameters, IntPtr count);
    [return: MarshalAs(UnmanagedType.I1)] public delegate bool Allocate(IntPtr self, IntPtr place, UIntPtr size);
    public delegate void Free(IntPtr self, IntPtr place);
    [return: MarshalAs(UnmanagedType.I1)]
    public delegate bool AddError(IntPtr self, ushort code, IntPtr source, IntPtr text, IntPtr scode);
    [return: MarshalAs(UnmanagedType.I1)] public delegate bool SetDepth(IntPtr self, IntPtr depth);
    public delegate IntPtr Depth(IntPtr self);
    [return: MarshalAs(UnmanagedType.I1)]
    public delegate bool ExternalEvent(IntPtr self, IntPtr source, IntPtr name, IntPtr data);

    public static T Symbol<T>(IntPtr library, string name) {
        return Marshal.GetDelegateForFunctionPointer<T>(dlsym(library, name));
    }

    // A method of the base at `self`; the first two slots are destructors.
    public static T Slot<T>(IntPtr self, int number) {
        IntPtr table = Marshal.ReadIntPtr(self);
        return Marshal.GetDelegateForFunctionPointer<T>(Marshal.ReadIntPtr(table, (2 + number) * IntPtr.Size));
    }

    // An object of ours with these methods, which live as long as the program.
    public static IntPtr Face(Delegate[] methods) {
        foreach (Delegate method in methods) GCHandle.Alloc(method);
        IntPtr face = Marshal.AllocHGlobal((methods.Length + 3) * IntPtr.Size);
        Marshal.WriteIntPtr(face, IntPtr.Add(face, IntPtr.Size));
        for (int at = 0; at < methods.Length; at++) {
            IntPtr pointer = methods[at] == null ? IntPtr.Zero : Marshal.GetFunctionPointerForDelegate(methods[at]);
            Marshal.WriteIntPtr(face, (3 + at) * IntPtr.Size, pointer);
        }
        return face;
    }
}

// An object of the library.
class Addin {
    const int VariantSize = 64, TypeAt = 60;
    const short I4 = 3, Text = 22;
    IntPtr made;
    readonly IntPtr extender;

    public Addin(IntPtr library, string name, IntPtr memory, IntPtr services) {
        Host.Check(Native.Symbol<Native.Make>(library, "GetClassObject")(name, out made) != 0, "no object " + name);
        extender = IntPtr.Add(made, IntPtr.Size);
        Host.Check(Native.Slot<Native.Give>(made, 0)(made, services), "Init");
        Host.Check(Native.Slot<Native.Give>(made, 1)(made, memory), "setMemManager");
    }

    static void Write(IntPtr place, object value) {
        for (int at = 0; at < VariantSize; at += 8) Marshal.WriteInt64(place, at, 0);
        if (value is int) {
            Marshal.WriteInt32(place, (int)value);
            Marshal.WriteInt16(place, TypeAt, I4);
        } else {
            string text = (string)value;
            Marshal.WriteIntPtr(place, Marshal.StringToHGlobalUni(text));
            Marshal.WriteInt32(place, IntPtr.Size, text.Length);
            Marshal.WriteInt16(place, TypeAt, Text);
        }
    }

    static void Clear(IntPtr place) {
        if (Marshal.ReadInt16(place, TypeAt) == Text) Marshal.FreeHGlobal(Marshal.ReadIntPtr(place));
    }

    public void Set(string name, object value) {
        IntPtr number = Native.Slot<Native.Find>(extender, 2)(extender, name);
        IntPtr place = Marshal.AllocHGlobal(VariantSize);
        Write(place, value);
        Host.Check(Native.Slot<Native.Property>(extender, 5)(extender, number, place), name + " cannot be set");
        Clear(place);
        Marshal.FreeHGlobal(place);
    }

    public int Number(string name) {
        IntPtr number = Native.Slot<Native.Find>(extender, 2)(extender, name);
        IntPtr place = Marshal.AllocHGlobal(VariantSize);
        Host.Check(Native.Slot<Native.Property>(extender, 4)(extender, number, place), name + " cannot be read");
        int value = Marshal.ReadInt32(place);
        Marshal.FreeHGlobal(place);
        return value;
    }

    public void Call(string name, params object[] values) {
        IntPtr number = Native.Slot<Native.Find>(extender, 9)(extender, name);
        IntPtr places = Marshal.AllocHGlobal(VariantSize * (values.Length + 1));
        for (int at = 0; at < values.Length; at++) Write(IntPtr.Add(places, VariantSize * at), values[at]);
        IntPtr result = IntPtr.Add(places, VariantSize * values.Length);
        IntPtr count = new IntPtr(values.Length);
        Host.Check(Native.Slot<Native.Function>(extender, 15)(extender, number, result, places, count), name + " failed");
        for (int at = 0; at < values.Length; at++) Clear(IntPtr.Add(places, VariantSize * at));
        Marshal.FreeHGlobal(places);
    }

    public void End(IntPtr library) {
        Host.Check(Native.Symbol<Native.Destroy>(library, "DestroyObject")(ref made) == 0, "DestroyObject");
    }
}

static class Host {
    static int seen;
    static volatile string trouble;
    static volatile bool ended;

    public static void Check(bool good, string what) {
        if (good) return;
        Console.Error.WriteLine(what);
        Environment.Exit(1);
    }

    static bool Allocate(IntPtr self, IntPtr place, UIntPtr size) {
        Marshal.WriteIntPtr(place, Native.malloc(size));
        return true;
    }

    static void Free(IntPtr self, IntPtr place) {
        Native.free(Marshal.ReadIntPtr(place));
        Marshal.WriteIntPtr(place, IntPtr.Zero);
    }

    // On the library's thread, which belongs to Mono from now on.
    static bool Event(IntPtr self, IntPtr source, IntPtr name, IntPtr data) {
        string kind = Marshal.PtrToStringUni(name), text = Marshal.PtrToStringUni(data);
        if (kind != "message") return true;
        if (text != "event " + seen) trouble = "event " + seen + " is " + text;
        Interlocked.Increment(ref seen);
        return true;
    }

    static bool Complain(IntPtr self, ushort code, IntPtr source, IntPtr text, IntPtr scode) {
        Console.Error.WriteLine(Marshal.PtrToStringUni(text));
        return true;
    }

    static void Main(string[] arguments) {
        int events = int.Parse(arguments[1]), collections = 0;
        IntPtr library = Native.dlopen(arguments[0], 2);
        Check(library != IntPtr.Zero, "the library cannot be loaded");
        IntPtr memory = Native.Face(new Delegate[] {new Native.Allocate(Allocate), new Native.Free(Free)});
        IntPtr services = Native.Face(new Delegate[] {
            new Native.AddError(Complain), null, null, null, new Native.SetDepth((self, depth) => true),
            new Native.Depth(self => new IntPtr(1)), new Native.ExternalEvent(Event)});
        Addin server = new Addin(library, "Server", memory, services), client = new Addin(library, "Client", memory, services);
        server.Call("Run", "127.0.0.1", 0, "", "", "");
        client.Set("ExternalEvents", "data");
        client.Call("Connect", "ws://127.0.0.1:" + server.Number("Port") + "/");
        Thread collector = new Thread(() => {
            for (; !ended; collections++) GC.Collect();
        });
        collector.Start();
        Stopwatch clock = Stopwatch.StartNew();
        for (int sent = 0; sent < events; sent++) {
            server.Call("Send", 1, "event " + sent);
            while (sent - Thread.VolatileRead(ref seen) > 100) {
                Check(clock.Elapsed.TotalSeconds < 120, "event " + seen + " is late");
                Thread.Sleep(0);
            }
        }
        while (Thread.VolatileRead(ref seen) < events) {
            Check(clock.Elapsed.TotalSeconds < 120, "event " + seen + " is late");
            Thread.Sleep(1);
        }
        ended = true;
        collector.Join();
        Check(trouble == null, trouble);
        Check(collections > 10, "the collector ran " + collections + " times");
        client.End(library);
        server.End(library);
        Console.WriteLine("mono: " + events + " events and " + collections + " collections");
    }
}
