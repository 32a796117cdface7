// Drives the simulated portal with HubSpot's official client: node check.mjs ADDRESS TOKEN
import assert from 'node:assert/strict';
import { Client } from '@hubspot/api-client';

const [basePath, accessToken] = process.argv.slice(2);
const hubspot = new Client({ basePath, accessToken, numberOfApiCallRetries: 3 });
const companies = hubspot.crm.companies;

async function refused(promise, code) {
  const error = await promise.then(() => assert.fail('expected a refusal'), (error) => error);
  assert.equal(error.code, code, String(error));
  return error.body;
}

// Search, in order of modification, two pages.
const request = {
  filterGroups: [{ filters: [{ propertyName: 'hs_lastmodifieddate', operator: 'GTE', value: '0' }] }],
  sorts: [{ propertyName: 'hs_lastmodifieddate', direction: 'ASCENDING' }],
  properties: ['name', 'domain'],
  limit: 25,
};
const first = await companies.searchApi.doSearch(request);
assert.equal(first.total, 40);
assert.equal(first.results.length, 25);
const second = await companies.searchApi.doSearch({ ...request, after: first.paging.next.after });
assert.equal(second.results.length, 15);
assert.equal(second.paging, undefined);
const seen = [...first.results, ...second.results];
assert.equal(new Set(seen.map((row) => row.id)).size, 40);
for (const [at, row] of seen.entries()) {
  assert.equal(row.updatedAt.toISOString(), row.properties.hs_lastmodifieddate);
  assert.ok(at === 0 || seen[at - 1].updatedAt <= row.updatedAt);
}

// More searches at once than the budget holds: the client waits and tries again by itself.
const burst = await Promise.all(Array.from({ length: 8 }, () => companies.searchApi.doSearch(request)));
assert.ok(burst.every((page) => page.total === 40));

// Properties.
const properties = hubspot.crm.properties;
const all = await properties.coreApi.getAll('companies');
assert.ok(all.results.length > 150);
const made = await properties.coreApi.create('companies', {
  name: 'partneros_record_id',
  label: 'PartnerOS record',
  type: 'string',
  fieldType: 'text',
  groupName: 'companyinformation',
  hasUniqueValue: true,
});
assert.equal(made.hasUniqueValue, true);
assert.equal((await properties.coreApi.getByName('companies', made.name)).label, 'PartnerOS record');
assert.equal((await refused(properties.coreApi.getByName('companies', 'no_such'), 404)).category, 'OBJECT_NOT_FOUND');
await refused(properties.coreApi.create('companies', made), 409);
const changed = await properties.coreApi.update('companies', made.name, { label: 'Record' });
assert.equal(changed.label, 'Record');
assert.ok((await properties.groupsApi.getAll('companies')).results.length > 0);

// Batches.
const created = await companies.batchApi.create({
  inputs: [{ properties: { name: 'One', partneros_record_id: 'k1' }, associations: [] }],
});
assert.equal(created.status, 'COMPLETE');
const id = created.results[0].id;
const read = await companies.batchApi.read({
  inputs: [{ id }],
  properties: ['name', 'phone'],
  propertiesWithHistory: [],
});
assert.deepEqual([read.results[0].properties.name, read.results[0].properties.phone], ['One', null]);
const updated = await companies.batchApi.update({ inputs: [{ id, properties: { name: 'Two' } }] });
assert.equal(updated.results[0].properties.name, 'Two');
const upserted = await companies.batchApi.upsert({
  inputs: [
    { id: 'k1', idProperty: 'partneros_record_id', properties: { name: 'Three' } },
    { id: 'k2', idProperty: 'partneros_record_id', properties: { name: 'Four' } },
  ],
});
assert.deepEqual(upserted.results.map((row) => row._new), [false, true]);
const mixed = await companies.batchApi.update({
  inputs: [{ id, properties: { name: 'Five' } }, { id: '1', properties: { name: 'None' } }],
});
assert.equal(mixed.numErrors, 1);
assert.deepEqual(mixed.errors[0].context.ids, ['1']);
const bad = await refused(
  companies.batchApi.update({ inputs: [{ id, properties: { numberofemployees: 'many' } }] }),
  400,
);
assert.equal(bad.errors[0].code, 'INVALID_INTEGER');

// Single records.
const record = await companies.basicApi.getById(id, ['name'], ['name']);
assert.equal(record.propertiesWithHistory.name[0].value, 'Five');
await companies.basicApi.archive(id);
await refused(companies.basicApi.getById(id), 404);
const archived = await companies.basicApi.getPage(10, undefined, ['name'], undefined, undefined, true);
assert.equal(archived.results[0].id, id);
assert.ok(archived.results[0].archivedAt instanceof Date);

// Descriptions.
const pipelines = await hubspot.crm.pipelines.pipelinesApi.getAll('deals');
assert.equal(pipelines.results[0].stages.length, 7);
const owners = await hubspot.crm.owners.ownersApi.getPage();
assert.equal(owners.results.length, 5);
const schemas = await hubspot.crm.schemas.coreApi.getAll();
const program = schemas.results.find((schema) => schema.name === 'partner_program');
await hubspot.crm.objects.basicApi.create(program.objectTypeId, {
  properties: { program_name: 'Gold', program_tier: 'gold' },
  associations: [],
});
const programs = await hubspot.crm.objects.searchApi.doSearch(program.fullyQualifiedName, {
  query: '',
  limit: 10,
  properties: ['program_name'],
  filterGroups: [],
  sorts: [],
});
assert.equal(programs.results[0].properties.program_name, 'Gold');

console.log('all checks passed');
