"""What puts load on a server: the Locust process with its subscribers, and the publisher."""
