-- What wrk sends and how it reports. Arguments after `--`:
--   upload N   POST N bytes instead of GET
--   stop N     each thread stops after N responses (wrk itself still waits for its -d)
--   field F    a field of each request, "Name: value"

function init(args)
   local index = 1
   while args[index] do
      local count = tonumber(args[index + 1])
      if args[index] == "upload" then
         wrk.method = "POST"
         wrk.body = string.rep("x", count)
         wrk.headers["Content-Type"] = "application/octet-stream"
      elseif args[index] == "field" then
         local name, value = args[index + 1]:match("^([^:]+): (.*)$")
         wrk.headers[name] = value
      elseif args[index] == "stop" then
         local seen = 0
         response = function()
            seen = seen + 1
            if seen >= count then wrk.thread:stop() end
         end
      end
      index = index + 2
   end
   -- Made once: nothing of this is on the generator's hot path.
   local message = wrk.format()
   request = function() return message end
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests": %d, "duration_us": %d, "bytes": %d, "p50_us": %d, "p90_us": %d, "p99_us": %d, "max_us": %d, ' ..
      '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
      summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
      e.connect, e.read, e.write, e.timeout, e.status))
end
