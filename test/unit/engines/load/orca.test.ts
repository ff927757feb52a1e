import { describe, expect, it } from "vitest";
import { readOrca } from "../../../../src/engines/load/orca.ts";

describe("an ORCA report", () => {
  it.each([
    "TEXT named_metrics.kv_cache_usage_perc=0.4, named_metrics.num_requests_waiting=2.0",
    "named_metrics.num_requests_waiting=2.0,named_metrics.kv_cache_usage_perc=0.4",
    "text  cpu_utilization=0.9, named_metrics.kv_cache_usage_perc:0.4,named_metrics.num_requests_waiting:2",
    'JSON {"named_metrics": {"kv_cache_usage_perc": 0.4, "num_requests_waiting": 2.0}}',
    '{"cpu_utilization":0.9,"named_metrics":{"num_requests_waiting":2,"kv_cache_usage_perc":0.4}}',
  ])("is read from %s", (header) => {
    expect(readOrca(header)).toEqual({ kvUse: 0.4, waiting: 2 });
  });

  it("is read from Triton, which has names of its own", () => {
    const header =
      "TEXT named_metrics.kv_cache_utilization=0.980000, named_metrics.max_token_capacity=1024";
    expect(readOrca(header)).toEqual({ kvUse: 0.98, capacityTokens: 1024 });
  });

  it("of several ranks has a metric of one name for each", () => {
    const header =
      "TEXT named_metrics.kv_cache_usage_perc=0.2, named_metrics.num_requests_waiting=1.0, named_metrics.kv_cache_usage_perc=0.4, named_metrics.num_requests_waiting=3.0";
    const { kvUse, waiting } = readOrca(header);
    expect(kvUse).toBeCloseTo(0.3);
    expect(waiting).toBe(4);
  });

  it("is unknown where it is no number, never 0", () => {
    expect(readOrca("TEXT named_metrics.kv_cache_usage_perc=nan")).toEqual({});
    expect(readOrca("TEXT named_metrics.num_requests_waiting=")).toEqual({});
    expect(readOrca("TEXT named_metrics.kv_cache_usage_perc=40")).toEqual({});
    expect(readOrca('JSON {"named_metrics":{"num_requests_waiting":"2"}}')).toEqual({});
  });

  it.each([
    "",
    "TEXT",
    "JSON",
    "JSON {",
    "JSON [1]",
    "JSON null",
    "BIN CgkJmpmZmZmZ2T8=",
    "XML named_metrics.num_requests_waiting=2",
  ])("tells nothing in %j", (header) => {
    expect(readOrca(header)).toEqual({});
  });
});
