package e2e

import "testing"

func TestWerkzeug(t *testing.T) {
	s := startSite(t, "werkzeug_site", "Werkzeug", modes[0])
	s.check(t)
	t.Run("DispatcherMiddleware cuts the mount from the path", func(t *testing.T) {
		s.get(t, s.Client(t), "/mounted/a%20b//c?q=1").
			Want(t, 200, "root=/mounted path=/a b//c url="+s.URL+"/mounted/a%20b//c?q=1 client=127.0.0.1 secure=False")
	})
	t.Run("ProxyFix believes the proxy", func(t *testing.T) {
		c := s.Client(t)
		request := c.Request("GET", "/mounted/page", nil)
		request.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.7")
		request.Header.Set("X-Forwarded-Proto", "https")
		request.Header.Set("X-Forwarded-Host", "shop.example")
		request.Header.Set("X-Forwarded-Prefix", "/prefix")
		// The prefix is the script name that the dispatcher adds its mount to.
		c.Do(request).Want(t, 200, "root=/prefix/mounted path=/page url=https://shop.example/prefix/mounted/page client=198.51.100.7 secure=True")
	})
}
