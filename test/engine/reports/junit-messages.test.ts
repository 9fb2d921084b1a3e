import { expect, it } from 'vitest';
import { parseJUnit } from '../../../engine/reports/junit.ts';

it('gives a message its lines back that an attribute lost', () => {
  const { failed } = parseJUnit(`<testsuites>
	<testcase name="greets" time="0.003729" classname="test">
		<failure type="testCodeFailure" message="Expected values to be strictly equal:+ actual - expected+ 'HELLO'- 'Hello'">
[Error [ERR_TEST_FAILURE]: Expected values to be strictly equal:
+ actual - expected

+ 'HELLO'
- 'Hello'
    at AsyncResource.runInAsyncScope (node:async_hooks:206:9) {
  code: 'ERR_TEST_FAILURE'
}
		</failure>
	</testcase>
</testsuites>`);
  expect(failed[0]?.message).toBe("Expected values to be strictly equal:\n+ actual - expected\n\n+ 'HELLO'\n- 'Hello'");
});

it('leaves a message of one line alone', () => {
  const { failed } = parseJUnit(
    '<testsuite><testcase name="a"><failure message="boom">boom\n  at x.js:1</failure></testcase></testsuite>',
  );
  expect(failed[0]?.message).toBe('boom');
});
