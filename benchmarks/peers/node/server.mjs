// The peer of P3: Fastify, json-rules-engine and one insert a request, committed before the
// answer. The result that is kept names the rules that fired.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

import Fastify from "fastify";
import { Engine } from "json-rules-engine";
import pg from "pg";

const { rules, ceiling, qualifies_at: qualifiesAt } = JSON.parse(
  readFileSync(process.env.PEER_RULES, "utf8"),
);
const engine = new Engine(rules);
const pool = new pg.Pool({
  host: process.env.PGHOST,
  user: process.env.PGUSER,
  database: process.env.PGDATABASE,
  max: 16,
});
const INSERT = {
  name: "keep",
  text:
    "INSERT INTO peer_decision (id, rule_set, external_id, verdict, fit, facts, rules)" +
    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
};
const question = {
  type: "object",
  required: ["rule_set", "lead"],
  properties: {
    rule_set: { type: "string" },
    lead: { type: "object", additionalProperties: true },
    external_id: { type: "string", nullable: true },
  },
};
const decided = {
  type: "object",
  properties: {
    id: { type: "string" },
    verdict: { type: "string" },
    fit: { type: "number" },
    rules: { type: "array", items: { type: "string" } },
  },
};

const app = Fastify({ logger: false });

app.get("/livez", async () => {
  await pool.query("SELECT 1");
  return "ok";
});

app.post("/v1/qualify", { schema: { body: question, response: { 200: decided } } }, async (asked) => {
  const { rule_set: ruleSet, lead, external_id: externalId } = asked.body;
  const { events } = await engine.run(lead);
  const total = events.reduce((sum, event) => sum + event.params.points, 0);
  const fit = Math.min(ceiling, total);
  const verdict = fit >= qualifiesAt ? "qualify" : "disqualify";
  const fired = events.map((event) => event.type);
  const id = randomUUID();
  const values = [id, ruleSet, externalId ?? null, verdict, fit, lead, JSON.stringify(fired)];
  await pool.query({ ...INSERT, values });
  return { id, verdict, fit, rules: fired };
});

await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
