import { describe, expect, it } from "vitest";
import { exportsKv } from "../../../src/engines/llamacpp/exports.ts";

const HANDLE =
  '{"handle":"kv_x-1", "from":"http://10.0.0.7:8080","tokens":90,"bytes":7000,"model":"m","lease_ms":30000}';
const SEAL = { key: "c2VjcmV0", salt: "acme" };

describe("KV cache that leaves a llama.cpp engine", () => {
  it("is asked for by its handle, with the key and the tenant's salt", () => {
    expect(exportsKv.read(HANDLE, SEAL)).toEqual({
      method: "GET",
      path: "/kv/kv_x-1",
      headers: { "x-kv-key": SEAL.key, "x-kv-salt": SEAL.salt },
    });
  });

  it("is told with tokens and bytes, where a handle is", () => {
    expect(exportsKv.told(HANDLE)).toEqual({ tokens: 90, bytes: 7000 });
    expect(exportsKv.told('{"fetched":{"failed":"gone"}}')).toBeUndefined();
    expect(exportsKv.told("null")).toBeUndefined();
    expect(exportsKv.told('{"handle":"kv_x"}')).toBeUndefined();
  });

  it("is not asked for at a path that an engine made up", () => {
    const raw = '{"handle":"../admin","tokens":1,"bytes":1}';
    expect(exportsKv.told(raw)).toBeUndefined();
    expect(exportsKv.read(raw, SEAL).path).toBe("/kv/");
  });
});

describe("KV cache that comes back to one", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it("is answered with a handle for the leg, byte for byte", () => {
    expect(exportsKv.write(SEAL)).toMatchObject({ method: "POST", path: "/kv" });
    expect(exportsKv.written(bytes(HANDLE))).toBe(HANDLE);
    expect(() => exportsKv.written(bytes("{}"))).toThrow(SyntaxError);
  });

  it("is spoiled for good where the engine says so", () => {
    expect([404, 409, 422, 500, 507].filter((code) => exportsKv.spoiled.includes(code))).toEqual([
      409, 422,
    ]);
  });

  it("is not needed by a process that lives on, which health tells where it does", () => {
    const read = (text: string) => exportsKv.instance?.read(bytes(text));
    expect(read('{"status":"ok","instance":"a1"}')).toBe("a1");
    expect([read('{"status":"ok"}'), read("ok"), read(""), read('{"instance":7}')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
