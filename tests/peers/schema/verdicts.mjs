// node verdicts.mjs SCHEMA < {"name": document, ...}: prints {"name": [violations]} as Ajv sees them.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';

const schema = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ajv = new Ajv2020.default({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, validateFormats: false });
const validate = ajv.compile(schema);
const verdicts = {};
for (const [name, document] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  validate(document);
  verdicts[name] = (validate.errors ?? []).map((error) => `${error.instancePath} ${error.keyword}: ${error.message}`);
}
console.log(JSON.stringify(verdicts));
