// Works with the client that was generated, and prints what it has seen as JSON: see
// tests/acceptance/test_generated_clients.py, and ../python/work.py, which does the same.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const baseUrl = process.env["URL"] ?? "";

function clientOf(key: string) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
}

// Returns the body of an answer that is no error.
function good<Data>(answer: { data?: Data; error?: unknown }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const client = clientOf(process.env["KEY"] ?? "");
const bet: components["schemas"]["CASINO"] = {
  activity_id: "activity-1",
  amount: "12.30",
  currency: "EUR",
  exchange_rate: 1,
  game_id: "132",
  is_round_end: false,
  origin: "www.brand.com",
  round_id: "636",
  timestamp: "2026-01-31T12:00:00.250Z",
  type: "Bet",
  user_id: "player-17",
  vendor_id: "12",
};
const wrong = { ...bet, amount: "abc" };

const posted: string[] = [];
for (let n = 0; n < 2; n++) {
  posted.push(good(await client.POST("/v1/integration/casino", { body: bet })).status);
}
const lines = [{ type: "CASINO", data: { ...bet, activity_id: "activity-2" } }];
const batch = good(await client.POST("/v1/integration/events", { body: lines }));

const { error, response } = await client.POST("/v1/integration/casino", { body: wrong });
if (error === undefined) throw new Error("a wrong event was stored");

const page = good(
  await client.GET("/v1/events", { params: { query: { subject: ["game.*"], limit: 10 } } }),
);
const letters = good(
  await client.GET("/v1/dead-letters", { params: { query: { reason: "invalid" } } }),
);
const verdict = good(
  await client.POST("/v1/validate/{message_type}", {
    params: { path: { message_type: "CASINO" } },
    body: wrong,
  }),
);
if (verdict.valid) throw new Error("a wrong event is valid");
const { types } = good(await client.GET("/v1/types"));
const own = good(await client.GET("/v1/key"));

const wish = {
  params: { header: { "Idempotency-Key": "one" } },
  body: { scopes: ["ingest" as const], name: "made" },
};
const made = good(await client.POST("/v1/keys", wish));
const again = good(await client.POST("/v1/keys", wish));
const seen = good(await clientOf(made.key ?? "").GET("/v1/key"));
const revoked = good(
  await client.DELETE("/v1/keys/{id}", { params: { path: { id: made.id } } }),
);

console.log(
  JSON.stringify({
    posted: [...posted, ...batch.results.map((line) => line.status)],
    problem: [response.status, error.status, error.reason, error.errors?.[0]?.field],
    page: page.events.map((event) => [event.type, event.id, event.data["amount"]]),
    letters: letters.letters.map((letter) => [letter.message_type, letter.error]),
    verdict: verdict.errors.map((misfit) => misfit.field),
    types: types.length,
    own: [own.brand, own.environment, own.scopes, own.limits.events],
    made: [made.id === again.id, again.key, seen.name, seen.scopes, revoked.state],
    key: made.key,
  }),
);
