import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forClient } from "../../../src/engines/for-client.ts";

const PARAMS = '{"ctx_request_id":9223372036854775807,"ctx_info_endpoint":"tcp://10.0.0.7:1"}';

describe("what engines tell one another", () => {
  it("is taken out of an answer and of each choice, and no other byte with it", () => {
    const answer = `{ "id":"x", "kv_transfer_params" : ${PARAMS}, "choices": [ {"index":0, "disaggregated_params":${PARAMS},"text":"a"} ,\n{"disaggregated_params":null,"n":18446744073709551615} ],"a":1 }`;
    expect(forClient(answer)).toBe(
      '{ "id":"x", "choices": [ {"index":0,"text":"a"} ,\n{"n":18446744073709551615} ],"a":1 }',
    );
  });

  it("is only where it is a member: text that speaks of it stays", () => {
    const content = JSON.stringify(`{"disaggregated_params":${PARAMS}}`);
    const answer = `{"choices":[ {"message":{"content":${content}}} ],"object":"chat.completion"}`;
    expect(forClient(answer)).toBe(answer);
  });

  it("is never left in because it could not be found", () => {
    expect(() => forClient('{"choices":[{"disaggregated_params":{"a":1}')).toThrow(SyntaxError);
  });

  it("leaves what stands around it as it was, whatever that is", () => {
    const name = fc.string().filter((text) => !text.endsWith("_params") && text !== "choices");
    const member = fc.tuple(name, fc.json()).map(([key, raw]) => `${JSON.stringify(key)}:${raw}`);
    const members = fc.array(member, { minLength: 1 }).map((all) => all.join(" ,\t"));
    fc.assert(
      fc.property(members, fc.array(members), (top, choices) => {
        const written = (of: (choice: string) => string) => `[ ${choices.map(of).join(" , ")} ]`;
        const answer = `{${top},"choices":${written((own) => `{${own}, "disaggregated_params":${PARAMS}}`)},"kv_transfer_params":${PARAMS}}`;
        expect(forClient(answer)).toBe(`{${top},"choices":${written((own) => `{${own}}`)}}`);
      }),
    );
  });
});
