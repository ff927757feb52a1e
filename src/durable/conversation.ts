import type { ConversationFacts } from "../rpc/session-messages.ts";
import { conversationMigrations, migrate } from "./migrations.ts";

/** The conversation that a session is, if one was made of it: what its caller noted, and the response it has come to. */
export class Conversation {
  readonly #sql: SqlStorage;
  #hasTable: boolean | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  facts(): ConversationFacts | undefined {
    const row = this.#row();
    return row && (JSON.parse(row.body) as ConversationFacts);
  }

  /** Undefined before its first items. */
  head(): number | undefined {
    return this.#row()?.head ?? undefined;
  }

  /** Makes it, or notes something else of it. */
  note(facts: ConversationFacts): void {
    if (!this.#isThere()) migrate(this.#sql, conversationMigrations, 0);
    this.#hasTable = true;
    this.#sql.exec(
      "INSERT INTO conversation (n, body) VALUES (1, ?) ON CONFLICT (n) DO UPDATE SET body = excluded.body",
      JSON.stringify(facts),
    );
  }

  moveTo(head: number | undefined): void {
    if (this.#isThere()) this.#sql.exec("UPDATE conversation SET head = ?", head ?? null);
  }

  /** Its items stay what the responses were asked and answered. */
  end(): void {
    if (this.#isThere()) this.#sql.exec("DELETE FROM conversation");
  }

  /** The object has been erased. */
  forget(): void {
    this.#hasTable = false;
  }

  #row(): Row | undefined {
    return this.#isThere()
      ? this.#sql.exec<Row>("SELECT head, body FROM conversation").toArray()[0]
      : undefined;
  }

  #isThere(): boolean {
    this.#hasTable ??=
      this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'conversation'").toArray().length >
      0;
    return this.#hasTable;
  }
}

type Row = { readonly head: number | null; readonly body: string };
